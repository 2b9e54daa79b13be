"""OpenTelemetry's names for generative AI, all of them, and our own beside them.

Semantic conventions for generative AI (https://opentelemetry.io/docs/specs/semconv/gen-ai/), in
development as all of them are: what changes there is changed here. There is no attribute for money,
so money has our own namespace, as text, because it is exact.
"""

OPERATION_NAME = "gen_ai.operation.name"
PROVIDER_NAME = "gen_ai.provider.name"
REQUEST_MODEL = "gen_ai.request.model"
REQUEST_MAX_TOKENS = "gen_ai.request.max_tokens"
REQUEST_CHOICE_COUNT = "gen_ai.request.choice.count"
REQUEST_STREAM = "gen_ai.request.stream"
RESPONSE_MODEL = "gen_ai.response.model"
RESPONSE_ID = "gen_ai.response.id"
RESPONSE_TIME_TO_FIRST_CHUNK = "gen_ai.response.time_to_first_chunk"
CONVERSATION_ID = "gen_ai.conversation.id"
AGENT_ID = "gen_ai.agent.id"
USAGE_INPUT = "gen_ai.usage.input_tokens"
USAGE_OUTPUT = "gen_ai.usage.output_tokens"
USAGE_CACHE_READ = "gen_ai.usage.cache_read.input_tokens"
USAGE_CACHE_CREATION = "gen_ai.usage.cache_creation.input_tokens"
USAGE_REASONING = "gen_ai.usage.reasoning.output_tokens"
TOKEN_TYPE = "gen_ai.token.type"  # noqa: S105 - the kind of tokens that models read and write
TOKEN_INPUT, TOKEN_OUTPUT = "input", "output"

TOKEN_USAGE = "gen_ai.client.token.usage"  # noqa: S105 - likewise
OPERATION_DURATION = "gen_ai.client.operation.duration"

ERROR_TYPE = "error.type"
HTTP_STATUS = "http.response.status_code"
SERVICE_NAME = "service.name"
SERVICE_VERSION = "service.version"
SERVICE_NAMESPACE = "service.namespace"

CALL = "headgate.call.id"
ATTEMPT = "headgate.attempt.id"
TEAM = "headgate.team"
PRINCIPAL = "headgate.principal"
RUN = "headgate.run"
DEPLOYMENT = "headgate.deployment"
STATE = "headgate.state"
COST = "headgate.cost.usd"
HOLD = "headgate.hold.usd"
BUDGET = "headgate.budget"
WAITED = "headgate.waited"

CHAT, EMBEDDINGS, GENERATE_CONTENT = "chat", "embeddings", "generate_content"

OPERATIONS = {"embeddings": EMBEDDINGS, "gemini": GENERATE_CONTENT}
"""By the client's dialect; every other one is a chat."""

PROVIDERS = {
    "anthropic": "anthropic",
    "azure_openai": "azure.ai.openai",
    "bedrock": "aws.bedrock",
    "deepseek": "deepseek",
    "gemini": "gcp.gemini",
    "mistral": "mistral_ai",
    "openai": "openai",
    "vertex": "gcp.vertex_ai",
}
"""By the kind of provider; others go by the seller's name."""

TOKEN_BOUNDS = tuple(4**power for power in range(14))
"""Boundaries of the histogram of tokens: 1, 4, 16 ... 67,108,864."""
