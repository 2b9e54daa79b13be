/* Keeps the page live: polling that can pause, the drawer of one call, and the sign of life. */
"use strict";

(() => {
  const live = document.getElementById("live");
  const liveText = document.getElementById("live-text");
  const pause = document.getElementById("pause");
  const drawer = document.getElementById("drawer");
  const opened = document.getElementById("opened");
  const minutes = Number(document.getElementById("chart").dataset.minutes);
  const CHART_MS = minutes <= 60 ? 2000 : 10000;
  const TEXTS = { live: "Live", paused: "Paused", lost: "No connection" };
  let paused = false;

  function show(state) {
    live.dataset.state = state;
    if (liveText.textContent !== TEXTS[state]) liveText.textContent = TEXTS[state];
  }

  const resting = () => paused || document.hidden;
  const polls = (context) => (context.sourceElement.getAttribute("hx-trigger") || "").startsWith("every");

  document.addEventListener("htmx:config:request", (event) => {
    if (resting() && polls(event.detail.ctx)) event.preventDefault();
  });
  document.addEventListener("htmx:after:request", (event) => {
    const status = event.detail.ctx.response.status;
    if (status === 401) location.reload();
    else if (!paused) show(status < 500 ? "live" : "lost");
  });
  document.addEventListener("htmx:error", () => show("lost"));

  pause.addEventListener("click", () => {
    paused = !paused;
    pause.setAttribute("aria-pressed", String(paused));
    pause.textContent = paused ? "Resume" : "Pause";
    show(paused ? "paused" : "live");
  });

  document.addEventListener("htmx:after:swap", (event) => {
    if (event.detail.ctx.target !== opened || drawer.open) return;
    drawer.showModal();
    drawer.scrollTop = 0;
  });
  document.getElementById("close").addEventListener("click", () => drawer.close());
  drawer.addEventListener("click", (event) => {
    if (event.target === drawer) drawer.close();
  });
  drawer.addEventListener("close", () => opened.replaceChildren());

  async function keepChart() {
    if (!resting()) {
      try {
        await window.headgateChart.refresh();
      } catch (error) {
        if (!(error instanceof TypeError || error instanceof DOMException)) throw error;
        show("lost");
      }
    }
    setTimeout(keepChart, CHART_MS);
  }
  keepChart();
})();
