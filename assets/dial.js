// The dial of a chart: turned to where the link says, and the server told once it has come to rest.
const REST_MS = 600;

export default function ({ parentElement, data, setStateValue }) {
  const { chart, at, label } = data;
  const dial = (parentElement.convexCoreDial ??= { plot: null, wanted: null, timer: 0 });
  dial.send = (step) => setStateValue("turned", step);
  // a new wish of the link, or of Reset; what the visitor has turned to meanwhile is not undone by a redrawn page
  if (dial.wanted !== at) Object.assign(dial, { wanted: at, todo: true });
  else if (dial.last !== undefined && dial.last !== at && !dial.timer) dial.todo = true;
  const look = () => {
    const plot = document.querySelector(`.st-key-${chart} .js-plotly-plot`), sliders = window.convexCoreSliders;
    if (!sliders || !plot?.querySelector(".slider-tick-rect") || !plot._fullLayout?.sliders?.length) return;
    plot.dataset.sliderLabel = label;
    if (plot !== dial.plot) {
      dial.plot = plot;
      dial.todo = true;
      plot.on("plotly_sliderchange", () => {
        if (dial.moving) return;
        clearTimeout(dial.timer);
        dial.timer = setTimeout(() => {
          dial.timer = 0;
          dial.last = sliders.model(plot).active;
          dial.send(dial.last);
        }, REST_MS);
      });
    }
    if (dial.todo) {
      dial.todo = false;
      dial.moving = true;
      if (sliders.model(plot).active !== dial.wanted) sliders.turn(plot, dial.wanted);
      dial.moving = false;
    }
  };
  clearInterval(dial.watch);
  dial.watch = setInterval(look, 200);
  look();
  return () => clearInterval(dial.watch);
}
