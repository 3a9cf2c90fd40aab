// Sliders and buttons inside charts, reachable and usable by the keyboard: plotly.js draws them for the mouse alone.
export default function () {
  if (window.convexCoreSliders) return;
  const press = (target, type, x, y) =>
    target.dispatchEvent(new MouseEvent(type, { bubbles: true, cancelable: true, view: window, clientX: x, clientY: y }));
  const model = (plot) => plot._fullLayout?.sliders?.[0];
  const last = (plot) => model(plot).steps.filter((step) => step.visible !== false).length - 1;
  const describe = (plot, group) => {
    const slider = model(plot), label = slider.steps[slider.active]?.label ?? "";
    const texts = { role: "slider", tabindex: "0", "aria-valuemin": 0, "aria-valuemax": last(plot),
                    "aria-valuenow": slider.active, "aria-valuetext": `${slider.currentvalue?.prefix ?? ""}${label}` };
    texts["aria-label"] = plot.dataset.sliderLabel ?? (slider.currentvalue?.prefix ?? "position").replace(/[=:]/g, "").trim();
    for (const [name, value] of Object.entries(texts))
      if (group.getAttribute(name) !== String(value)) group.setAttribute(name, value);
  };
  // as if the rail had been pressed at a step: then everything else is plotly's own
  const turn = (plot, step) => {
    const rail = plot.querySelector(".slider-rail-touch-rect"), tick = plot.querySelectorAll(".slider-tick-rect")[step];
    if (!rail || !tick) return;
    const [box, at] = [rail.getBoundingClientRect(), tick.getBoundingClientRect()];
    const spot = [at.left + at.width / 2, box.top + box.height / 2];
    press(rail, "mousedown", ...spot);
    press(plot, "mouseup", ...spot);
    document.dispatchEvent(new MouseEvent("mouseup"));
  };
  window.convexCoreSliders = { turn, model };
  const moves = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 5, PageDown: -5, Home: -1e9, End: 1e9 };
  document.addEventListener("keydown", (event) => {
    const plot = event.target.closest?.(".js-plotly-plot");
    if (!plot || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.matches(".slider-group") && event.key in moves) {
      event.preventDefault();
      turn(plot, Math.min(Math.max(model(plot).active + moves[event.key], 0), last(plot)));
    } else if (event.target.matches(".updatemenu-button") && (event.key === "Enter" || event.key === " ")) {
      event.preventDefault();
      event.target.dispatchEvent(new MouseEvent("click", { bubbles: true }));
    }
  }, true);
  // a chart that is drawn anew has a new slider, and the keyboard's place is lost with the old one
  let held = null;
  document.addEventListener("focusin", ({ target }) => {
    const plot = target.matches?.(".slider-group") && target.closest(".js-plotly-plot");
    held = plot ? { group: target, places: [plot, plot.closest("[class*='st-key-']")] } : null;
  });
  document.addEventListener("focusout", ({ target }) => setTimeout(() => {
    if (held?.group === target && target.isConnected) held = null;  // it was left, not taken away
  }));
  const names = { "▶": "Play", "❚❚": "Pause" };
  setInterval(() => {
    for (const group of document.querySelectorAll(".js-plotly-plot .slider-group")) {
      const plot = group.closest(".js-plotly-plot");
      if (model(plot)) describe(plot, group);
    }
    if (held && !held.group.isConnected && document.activeElement === document.body) {
      const groups = held.places.filter((place) => place?.isConnected).map((place) => place.querySelector(".slider-group"));
      groups.find(Boolean)?.focus({ preventScroll: true });
    }
    for (const button of document.querySelectorAll(".js-plotly-plot .updatemenu-button:not([tabindex])")) {
      const text = button.textContent.trim();
      button.setAttribute("role", "button");
      button.setAttribute("tabindex", "0");
      button.setAttribute("aria-label", names[text] ?? text);
    }
  }, 300);
}
