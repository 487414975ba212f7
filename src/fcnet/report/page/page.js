"use strict";
// What is wider than its place says that it can be scrolled.
for (const box of document.querySelectorAll(".scroll, .formula"))
  new ResizeObserver(() => box.classList.toggle("more", box.scrollWidth > box.clientWidth + 1)).observe(box);
// Curves answer to the mouse: the nearest point of each curve, with its name and value.
for (const plot of document.querySelectorAll(".plot")) {
  const panels = JSON.parse(plot.dataset.panels);
  const shown = [];
  const clear = () => { while (shown.length) shown.pop().remove(); };
  const scale = (log, value) => (log ? Math.log10(value) : value);
  const place = (log, limits, value) => {
    const [low, high] = limits.map((limit) => scale(log, limit));
    return (scale(log, value) - low) / (high - low);
  };
  const add = (kind, x, y) => {
    const element = document.createElement("div");
    element.className = kind;
    element.style.left = 100 * x + "%";
    element.style.top = 100 * y + "%";
    plot.append(element);
    shown.push(element);
    return element;
  };
  const number = (value) => String(Number(value.toPrecision(4)));
  const show = (panel, along) => {
    const [left, top, width, height] = panel.box;
    const lines = [];
    for (const curve of panel.curves) {
      let best = -1, distance = Infinity;
      curve.x.forEach((x, n) => {
        const y = curve.y[n];
        if (x === null || y === null || (panel.ylog && y <= 0)) return;
        const d = Math.abs(place(panel.xlog, panel.xlim, x) - along);
        if (d < distance) [best, distance] = [n, d];
      });
      if (best < 0) continue;
      const [x, y] = [curve.x[best], curve.y[best]];
      const dot = add("dot", left + width * place(panel.xlog, panel.xlim, x),
        top + height * (1 - place(panel.ylog, panel.ylim, y)));
      dot.style.background = curve.color;
      lines.push([curve.name + ": " + number(y), panel.x + " " + number(x)]);
    }
    if (!lines.length) return;
    const tip = add("tip", left + width * along, top);
    tip.innerText = [lines[0][1], ...lines.map((line) => line[0])].join("\n");
    if (along > 0.5) tip.style.transform = "translateX(-100%)";
  };
  const moved = (event) => {
    clear();
    const frame = plot.getBoundingClientRect();
    const [x, y] = [(event.clientX - frame.left) / frame.width, (event.clientY - frame.top) / frame.height];
    for (const panel of panels) {
      const [left, top, width, height] = panel.box;
      const along = (x - left) / width, down = (y - top) / height;
      if (along >= 0 && along <= 1 && down >= 0 && down <= 1) show(panel, along);
    }
  };
  plot.addEventListener("pointermove", moved);
  plot.addEventListener("pointerdown", moved);
  plot.addEventListener("pointerleave", clear);
}
