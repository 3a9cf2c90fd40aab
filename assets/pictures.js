// PNG and SVG of every chart, made in the browser by plotly's own export: its hidden button is pressed for what is wanted.
export default function () {
  if (window.convexCorePictures) return;
  window.convexCorePictures = true;
  const TITLE_PX = 48, TITLE_TYPE_PX = 20, EDGE_PX = 14, SCALE = 2;
  const save = (plot, format) => {
    const button = plot.querySelector(".modebar-btn"), options = plot._context.toImageButtonOptions, { layout } = plot;
    const page = getComputedStyle(document.querySelector(".stApp"));
    const { width, height, margin } = plot._fullLayout;
    const before = { paper_bgcolor: layout.paper_bgcolor, title: layout.title, margin: layout.margin };
    // on the page's ground and under its title; the copy that is exported is made at once
    Object.assign(options, { format, width: width + 2 * EDGE_PX, height: height + TITLE_PX, scale: format === "png" ? SCALE : 1 });
    Object.assign(layout, {
      paper_bgcolor: page.backgroundColor,
      title: { text: options.title, x: 0.015, xanchor: "left", y: 1 - 10 / (height + TITLE_PX), yref: "container", yanchor: "top",
               font: { size: TITLE_TYPE_PX, color: page.color, family: page.fontFamily } },
      margin: { ...layout.margin, l: margin.l + EDGE_PX, r: margin.r + EDGE_PX, t: margin.t + TITLE_PX },
    });
    button.click();
    for (const [name, value] of Object.entries(before)) {
      if (value === undefined) delete layout[name];
      else layout[name] = value;
    }
  };
  setInterval(() => {
    for (const plot of document.querySelectorAll(".stPlotlyChart .js-plotly-plot")) {
      const frame = plot.closest(".stPlotlyChart");
      if (frame.querySelector(":scope > .cc-save") || !plot._context?.toImageButtonOptions?.title) continue;
      const bar = document.createElement("div");
      bar.className = "cc-save";
      for (const format of ["png", "svg"]) {
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = format.toUpperCase();
        // the chart may have been drawn anew since
        button.onclick = () => save(frame.querySelector(".js-plotly-plot"), format);
        bar.append(button);
      }
      bar.addEventListener("pointerenter", () => {
        const { title } = frame.querySelector(".js-plotly-plot")._context.toImageButtonOptions;
        for (const button of bar.children) button.title = `Save "${title}" as ${button.textContent}`;
      });
      frame.append(bar);
    }
  }, 300);
}
