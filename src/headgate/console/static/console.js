/* What pages do by themselves: stay live, open a call beside the list, answer keys, keep the reader's zone and theme. */
"use strict";

(() => {
  const root = document.documentElement;
  const YEAR_S = 31536000;
  const byId = (id) => document.getElementById(id);

  function remembered(name) {
    const found = document.cookie.split("; ").find((one) => one.startsWith(name + "="));
    return found === undefined ? "" : found.slice(name.length + 1);
  }

  function remember(name, value) {
    document.cookie = name + "=" + value + "; path=/; SameSite=Strict; max-age=" + (value ? YEAR_S : 0);
  }

  /* The server writes times in the zone that this cookie names; the first page is asked for once more. */
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone && remembered("headgate_zone") !== zone) {
    remember("headgate_zone", zone);
    if (root.dataset.zone !== zone && remembered("headgate_zone") === zone) location.reload();
  }

  const NEXT = { "": "light", light: "dark", dark: "" };
  const theme = byId("theme");
  function turnTheme() {
    const wanted = NEXT[root.dataset.theme || ""];
    if (wanted) root.dataset.theme = wanted;
    else delete root.dataset.theme;
    document.querySelector('meta[name="color-scheme"]').content = wanted || "light dark";
    theme.setAttribute("aria-label", "Theme: " + (wanted || "as the system has it"));
    remember("headgate_theme", wanted);
    document.dispatchEvent(new Event("headgate:theme"));
  }
  theme.addEventListener("click", turnTheme);

  const help = byId("help");
  if (help) byId("help-open").addEventListener("click", () => help.showModal());

  /* Live pages. */
  const live = byId("live-state");
  const liveText = byId("live-text");
  const pause = byId("pause");
  const TEXTS = { live: "Live", paused: "Paused", lost: "No connection" };
  let paused = false;

  function show(state) {
    if (!live) return;
    live.dataset.state = state;
    if (liveText.textContent !== TEXTS[state]) liveText.textContent = TEXTS[state];
  }

  window.headgateLive = { resting: () => paused || document.hidden, lost: () => show("lost") };
  const polls = (context) => (context.sourceElement.getAttribute("hx-trigger") || "").startsWith("every");

  document.addEventListener("htmx:config:request", (event) => {
    if (window.headgateLive.resting() && polls(event.detail.ctx)) event.preventDefault();
  });
  document.addEventListener("htmx:after:request", (event) => {
    const status = event.detail.ctx.response.status;
    if (status === 401) location.reload();
    else if (!paused) show(status < 500 ? "live" : "lost");
  });
  document.addEventListener("htmx:error", () => show("lost"));

  pause?.addEventListener("click", () => {
    paused = !paused;
    pause.setAttribute("aria-pressed", String(paused));
    pause.textContent = paused ? "Resume" : "Pause";
    show(paused ? "paused" : "live");
  });

  /* On a phone the conditions would push the calls off the screen. */
  const conditions = document.querySelector(".filters-box");
  if (conditions && matchMedia("(max-width: 640px)").matches) conditions.open = false;

  /* One call, beside the list it was opened from. */
  const drawer = byId("drawer");
  const opened = byId("opened");
  document.addEventListener("htmx:after:swap", (event) => {
    if (event.detail.ctx.target !== opened || drawer.open) return;
    drawer.showModal();
    drawer.scrollTop = 0;
  });
  drawer?.addEventListener("click", (event) => {
    if (event.target === drawer) drawer.close();
  });
  drawer?.addEventListener("close", () => opened.replaceChildren());

  /* Keys. */
  let going = false;
  let goingTimer = 0;

  function step(by) {
    const rows = [...document.querySelectorAll("table.rows a.open")];
    const place = rows.indexOf(document.activeElement);
    const next = place < 0 ? (by > 0 ? 0 : rows.length - 1) : place + by;
    rows[Math.max(0, Math.min(rows.length - 1, next))]?.focus();
  }

  const ACTIONS = {
    "/": () => byId("search")?.focus(),
    "?": () => help?.showModal(),
    t: turnTheme,
    j: () => step(1),
    k: () => step(-1),
    g: () => {
      going = true;
      clearTimeout(goingTimer);
      goingTimer = setTimeout(() => (going = false), 1500);
    },
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, select, textarea")) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    if (document.querySelector("dialog[open]")) return;
    const page = going && document.querySelector('.pages [data-key="' + CSS.escape(event.key) + '"]');
    going = false;
    const action = page ? () => page.click() : ACTIONS[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });
})();
