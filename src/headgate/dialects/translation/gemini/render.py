"""From a `Call` to the body of a generateContent request; its path names the model.

Wire format: https://ai.google.dev/api/generate-content and the types of the `google-genai` SDK.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from msgspec import Raw, json
from msgspec.structs import replace

from headgate.dialects.bounds import IMAGE_TOKENS_MAX_GEMINI
from headgate.dialects.translation.fields import items_of
from headgate.dialects.translation.gemini.models import (
    BUDGET_MIN,
    BUDGETS,
    levels,
    may_stop_thinking,
    thinks,
    thinks_by_budget,
)
from headgate.dialects.translation.gemini.schema import kept_to
from headgate.dialects.translation.gemini.turns import contents, system
from headgate.dialects.translation.losses import Losses
from headgate.dialects.translation.parts import lose_choice, require_sayable
from headgate.dialects.translation.reasoning import effort_of
from headgate.dialects.translation.written import Written, asked, written
from headgate.records.conversation import Call, Option, Reasoning, Tool
from headgate.records.demand import Edit

STOPS_MAX: Final = 5
_SHARED: Final = {
    "temperature": "temperature",
    "top_p": "topP",
    "top_k": "topK",
    "seed": "seed",
    "presence_penalty": "presencePenalty",
    "frequency_penalty": "frequencyPenalty",
    "stop": "stopSequences",
}
_STRICT: Final = ("strict", b"true")
_MODES: Final = {"auto": "AUTO", "none": "NONE", "any": "ANY", "tool": "ANY"}

Body = dict[str, Any]


def render_call(call: Call, edit: Edit, losses: Losses) -> Written:
    """Render a request for `edit.model` with the limit of `edit`.

    Raises:
        TranslationError: Something in it cannot be said in this dialect at all.
    """
    require_sayable(call, edit.output_tokens_max)
    body: Body = {}
    instruction = system(call.turns, losses)
    if instruction:
        body["systemInstruction"] = {"parts": instruction}
    body["contents"] = contents(call.turns, edit.model, losses)
    body |= _tools(call, losses)
    options = losses.keep(_told(call.options, losses), _SHARED)
    thinking = _thinking(call.reasoning, edit, losses)
    body["generationConfig"] = {
        "maxOutputTokens": edit.output_tokens_max,
        **options,
        **thinking,
        **_form(call, losses),
    }
    demand = asked(call, edit, IMAGE_TOKENS_MAX_GEMINI)
    # A budget of none switches thinking off.
    budget = thinking.get("thinkingConfig", {}).get("thinkingBudget") or None
    return written(body, replace(demand, thinking_tokens=budget))


def _told(options: Iterable[Option], losses: Losses) -> Iterator[Option]:
    """Yield the options, with as many stop sequences as are taken."""
    for option in options:
        if option.name != "stop":
            yield option
            continue
        stops = list(items_of(option.value, option.at))
        for _, at in stops[STOPS_MAX:]:
            losses.lose(at, f"is one stop sequence more than the {STOPS_MAX} that are taken")
        if stops:
            value = json.encode([value for value, _ in stops[:STOPS_MAX]])
            yield Option("stop", Raw(value), option.at)


def _thinking(wanted: Reasoning | None, edit: Edit, losses: Losses) -> Body:
    """Return how much the model is to think; thoughts that were asked for are shown."""
    if wanted is None:
        return {}
    model = edit.model
    if wanted.off:
        if may_stop_thinking(model):
            return {"thinkingConfig": {"thinkingBudget": 0}}
        if thinks(model):
            losses.lose(wanted.at, "cannot be told there: this model always thinks")
        return {}
    if not thinks(model):
        losses.lose(wanted.at, "is not taken by this model")
        return {}
    config: Body = {"includeThoughts": True}
    effort = effort_of(wanted)
    if thinks_by_budget(model) and (wanted.budget or effort):
        # Thoughts count against the limit, so half of it is left for the answer.
        tokens = wanted.budget or BUDGETS[effort or "high"]
        budget = min(tokens, BUDGETS["max"], edit.output_tokens_max // 2)
        if budget < BUDGET_MIN:
            losses.lose(wanted.at, f"needs an output limit of {2 * BUDGET_MIN} tokens or more")
            return {}
        config["thinkingBudget"] = budget
    elif effort is not None and effort != "none":
        config["thinkingLevel"] = levels(model)[effort]
    return {"thinkingConfig": config}


def _form(call: Call, losses: Losses) -> Body:
    """Return the form of the answer."""
    form = call.format
    if form is None:
        return {}
    # Every schema is kept to strictly there.
    kept = (each for each in form.options if (each.name, bytes(each.value)) != _STRICT)
    losses.keep(kept, {})
    body: Body = {"responseMimeType": "application/json"}
    if form.schema is not None:
        body["responseJsonSchema"] = kept_to(form.schema, form.schema_at, losses)
    return body


def _tools(call: Call, losses: Losses) -> Body:
    """Return the functions and the choice among them."""
    choice, parallel = call.choice, call.parallel
    if parallel is not None and call.tools:
        several = bytes(parallel.value) == b"true"
        reason = "is what the model does by itself there" if several else "cannot be told there"
        losses.lose(parallel.at, reason, hint=several)
    if not call.tools:
        lose_choice(call, losses)
        return {}
    body: Body = {"tools": [{"functionDeclarations": [_function(t, losses) for t in call.tools]}]}
    if choice is not None:
        config: Body = {"mode": _MODES[choice.kind]}
        if choice.name is not None:
            config["allowedFunctionNames"] = [choice.name]
        body["toolConfig"] = {"functionCallingConfig": config}
    return body


def _function(tool: Tool, losses: Losses) -> Body:
    losses.keep(tool.options, {})
    return {
        "name": tool.name,
        **({} if tool.description is None else {"description": tool.description}),
        **({} if tool.schema is None else {"parametersJsonSchema": tool.schema}),
    }
