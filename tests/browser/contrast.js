// Text drawn in SVG whose contrast to the page is below 4.5: axe looks at text in HTML alone. Shadow trees are included.
() => {
  const pen = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const read = (colour) => {
    pen.clearRect(0, 0, 1, 1);
    pen.fillStyle = colour;
    pen.fillRect(0, 0, 1, 1);
    return [...pen.getImageData(0, 0, 1, 1).data];
  };
  const linear = (v) => (v <= 10.3 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4);
  const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const inside = (root) => [...root.querySelectorAll("*")].flatMap((e) => (e.shadowRoot ? [e, ...inside(e.shadowRoot)] : [e]));
  const page = read(getComputedStyle(document.querySelector(".stApp")).backgroundColor);
  return inside(document).filter((e) => e.tagName === "text" && e.textContent.trim() && e.getBoundingClientRect().width).flatMap((text) => {
    const style = getComputedStyle(text);
    let opacity = style.visibility === "hidden" ? 0 : Number(style.fillOpacity);
    for (let e = text; e instanceof Element; e = e.parentElement) opacity *= Number(getComputedStyle(e).opacity);
    // a text on a ground of its own, which is opaque
    const ground = text.closest(".annotation-text-g")?.querySelector("rect.bg");
    const own = ground && Number(getComputedStyle(ground).fillOpacity) === 1 ? read(getComputedStyle(ground).fill) : null;
    const under = own && own[3] === 255 ? own : page;
    const ink = read(style.fill), share = (opacity * ink[3]) / 255;
    const seen = under.map((v, k) => share * ink[k] + (1 - share) * v);
    const [high, low] = [light(seen), light(under)].sort((p, q) => q - p), ratio = (high + 0.05) / (low + 0.05);
    return share > 0.05 && ratio < 4.5 ? [`${ratio.toFixed(2)}: ${text.textContent} (${style.fill})`] : [];
  });
}
