// Presenter mode: the arrow keys lead through the scenes of a page, and its main picture takes what is left of the screen.
export default function () {
  if (window.convexCorePresenter) return;
  window.convexCorePresenter = true;
  const LEAST_PX = 240, MARGIN_PX = 12;
  // a control, a picture with a dial or a component of its own has its own use for the arrow keys
  const taken = "input, textarea, select, [role=slider], [role=tab], [role=radio], [role=listbox], [contenteditable=true]";
  const moves = { ArrowRight: "after", PageDown: "after", ArrowLeft: "before", PageUp: "before" };
  document.addEventListener("keydown", (event) => {
    const move = moves[event.key];
    if (!move || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.composedPath().some((part) => part.matches?.(taken))) return;
    const button = document.querySelector(`.st-key-scene_${move} button`);
    if (!button) return;
    event.preventDefault();
    button.click();
  });
  setInterval(() => {
    const style = document.documentElement.style;
    const chart = document.querySelector(".st-key-presenter") && document.querySelector("[class*='st-key-main_'] .stPlotlyChart");
    if (!chart) return style.removeProperty("--cc-room");
    const main = document.querySelector(".stMain"), top = chart.getBoundingClientRect().top + (main?.scrollTop ?? 0);
    const room = `${Math.max(LEAST_PX, Math.round(window.innerHeight - top - MARGIN_PX))}px`;
    if (style.getPropertyValue("--cc-room") !== room) style.setProperty("--cc-room", room);
  }, 200);
}
