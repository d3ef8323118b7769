"use strict";
// A chart of scores: for each bucket of rows its lowest to its highest score, the threshold, and alarms.

// 1, 2 or 5 times a power of ten, the next one above a number
function roundStep(least) {
  const power = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 5, 10].find(times => times * power >= least) * power;
}

function scoreChart(canvas, onPoint) {
  const EDGE = 12, TOP = 8, LEFT = 44;
  let told = null, marked = -1;

  const size = () => Math.max(told ? told.high.length : 0, 1);
  const across = (i, width) => LEFT + (i + 0.5) / size() * (width - LEFT);

  function draw() {
    const ratio = window.devicePixelRatio || 1, width = canvas.clientWidth, height = canvas.clientHeight;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    const pen = canvas.getContext("2d"), style = getComputedStyle(canvas);
    const colour = name => style.getPropertyValue(name).trim();
    pen.scale(ratio, ratio);
    if (!told) return;
    const floor = height - EDGE;
    const highest = (Math.max(0, ...told.high.map(Number), ...told.cut.map(Number)) || 1) * 1.05;
    const down = score => floor - Math.max(0, Math.min(1, score / highest)) * (floor - TOP);

    pen.font = "12px system-ui, sans-serif";
    pen.lineWidth = 1;
    pen.textAlign = "right";
    pen.textBaseline = "middle";
    const step = roundStep(highest / 5.5);
    for (let i = 0; i * step <= highest; i++) {
      const y = Math.round(down(i * step)) + 0.5;
      pen.strokeStyle = colour("--line");
      pen.beginPath(); pen.moveTo(LEFT, y); pen.lineTo(width, y); pen.stroke();
      pen.fillStyle = colour("--soft");
      pen.fillText(Number((i * step).toPrecision(2)).toString(), LEFT - 6, y);
    }
    pen.strokeStyle = colour("--scores");
    pen.lineWidth = Math.max(1.2, (width - LEFT) / size() * 0.9);
    pen.beginPath();
    told.high.forEach((score, i) => {
      if (score === null) return;
      const top = down(score), from = told.width === 1 ? floor : Math.max(down(told.low[i]), top + 1.5);
      pen.moveTo(across(i, width), top);
      pen.lineTo(across(i, width), from);
    });
    pen.stroke();
    pen.strokeStyle = colour("--cut");
    pen.lineWidth = 1.5;
    pen.setLineDash([5, 4]);
    pen.beginPath();
    let open = false;
    told.cut.forEach((cut, i) => {
      if (cut === null) { open = false; return; }
      if (open) pen.lineTo(across(i, width), down(cut)); else pen.moveTo(across(i, width), down(cut));
      open = true;
    });
    pen.stroke();
    pen.setLineDash([]);
    pen.fillStyle = colour("--alarm");
    const thick = Math.max(2, (width - LEFT) / size() * 0.9);
    told.alarms.forEach((n, i) => { if (n) pen.fillRect(across(i, width) - thick / 2, floor + 2, thick, EDGE - 2); });
    pen.fillStyle = colour("--soft");
    pen.fillRect(LEFT, floor, width - LEFT, 1);
    if (marked >= 0 && marked < told.high.length) {
      pen.fillRect(Math.round(across(marked, width)), TOP, 1, height - TOP);
    }
  }

  function say() {
    if (!told || marked < 0 || marked >= told.high.length) { onPoint(""); return; }
    const first = told.first + marked * told.width + 1, last = Math.min(first + told.width - 1, told.rows);
    const low = told.low[marked], high = told.high[marked], cut = told.cut[marked], n = told.alarms[marked];
    const rows = first < last ? `Rows ${first.toLocaleString("en")} to ${last.toLocaleString("en")}`
      : `Row ${first.toLocaleString("en")}`;
    const score = high === null ? "no score" : low === high ? `score ${high}` : `scores ${low} to ${high}`;
    onPoint(`${rows}: ${score}${cut === null ? "" : `, threshold ${cut}`}${n ? `, ${n} alarm${n > 1 ? "s" : ""}` : ""}`);
  }

  function mark(event) {
    const box = canvas.getBoundingClientRect();
    const part = (event.clientX - box.left - LEFT) / (box.width - LEFT);
    marked = Math.min(size() - 1, Math.max(0, Math.floor(part * size())));
    draw(); say();
  }
  canvas.addEventListener("pointermove", mark);
  canvas.addEventListener("pointerdown", mark);
  canvas.addEventListener("pointerleave", () => { marked = -1; draw(); say(); });
  new ResizeObserver(draw).observe(canvas);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  return chart => {
    told = chart;
    const alarms = chart.alarms.reduce((sum, n) => sum + n, 0);
    canvas.setAttribute("aria-label", chart.high.length
      ? `Scores, highest ${Math.max(...chart.high.map(Number))}, ${alarms} alarms` : "no scores yet");
    draw(); say();
  };
}
