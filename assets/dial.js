// The dial of a chart: turned to where the link says, and the server told once it has come to rest.
const REST_MS = 300;

export default function ({ parentElement, data, setStateValue }) {
  const { chart, at, label } = data;
  const dial = (parentElement.convexCoreDial ??= { plot: null, wanted: null, timer: 0, told: [] });
  dial.send = (step) => {
    dial.told.push(step);
    setStateValue("turned", step);
  };
  const answered = dial.told.indexOf(at);
  if (answered >= 0) {
    // the server has heard of a turn: the visitor may have gone on turning since
    dial.told.splice(0, answered + 1);
    dial.wanted = at;
  } else if (dial.wanted !== at || (dial.last !== undefined && dial.last !== at && !dial.timer)) {
    // a new wish of the link, or of Reset; what the visitor has turned to meanwhile is not undone by a redrawn page
    clearTimeout(dial.timer);
    Object.assign(dial, { wanted: at, shown: at, last: undefined, timer: 0, told: [] });
  }
  const look = () => {
    const plot = document.querySelector(`.st-key-${chart} .js-plotly-plot`), sliders = window.convexCoreSliders;
    if (!sliders || !plot?.querySelector(".slider-tick-rect") || !plot._fullLayout?.sliders?.length) return;
    plot.dataset.sliderLabel = label;
    if (plot !== dial.plot) {
      dial.plot = plot;
      plot.on("plotly_sliderchange", () => {
        if (dial.moving) return;
        dial.shown = dial.last = sliders.model(plot)?.active ?? dial.shown;
        clearTimeout(dial.timer);
        dial.timer = setTimeout(() => {
          dial.timer = 0;
          dial.send(dial.last);
        }, REST_MS);
      });
    }
    // a chart that is drawn once more goes back to its first position, without a word
    if (!dial.timer && sliders.model(plot).active !== dial.shown) {
      dial.moving = true;
      sliders.turn(plot, dial.shown);
      dial.moving = false;
    }
  };
  clearInterval(dial.watch);
  dial.watch = setInterval(look, 200);
  look();
  return () => clearInterval(dial.watch);
}
