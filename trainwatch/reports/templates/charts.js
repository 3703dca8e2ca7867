// Interactive charts on top of the drawn ones: zoom by dragging, one cursor for all, a logarithmic axis, curves on and off.
// Everything here may fail (an old browser, no DecompressionStream): then the button stays away and the drawings remain.
(() => {
  const button = document.getElementById("explore");
  const data = document.getElementById("panels");
  if (!button || !data || typeof DecompressionStream === "undefined") return;
  button.hidden = false;

  const bytes = async (text) => {
    const packed = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  };
  const numbers = async (table) => {
    const shuffled = await bytes(table.block);
    const count = shuffled.length / 4;
    const plain = new Uint8Array(shuffled.length);
    for (let plane = 0; plane < 4; plane++) for (let i = 0; i < count; i++) plain[4 * i + plane] = shuffled[plane * count + i];
    return new Float32Array(plain.buffer);
  };
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const units = [["GiB", 2 ** 30], ["MiB", 2 ** 20], ["kiB", 2 ** 10]];
  const word = (value, unit) => {
    if (value === null || value === undefined || Number.isNaN(value)) return "–";
    if (unit === "bytes") {
      for (const [name, size] of units) if (Math.abs(value) >= size) return `${(value / size).toPrecision(3)} ${name}`;
    }
    const plain = value !== 0 && (Math.abs(value) >= 1e6 || Math.abs(value) < 1e-4) ? value.toExponential(2) : String(+value.toPrecision(4));
    return unit ? `${plain} ${unit}` : plain;
  };

  const tableOf = async (table) => {
    const block = await numbers(table);
    const x = table.regular ? Array.from({ length: table.points }, (_, i) => table.x[0] + i * table.x[1]) : table.x;
    const rows = [x];
    for (let row = 0; row < table.rows; row++) {
      rows.push(Array.from(block.subarray(row * table.points, (row + 1) * table.points), (v) => (Number.isNaN(v) ? null : v)));
    }
    return rows;
  };

  const marks = (panel) => (plot) => {
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
    let free = -Infinity;
    for (const [x, kind, label] of panel.marks) {
      const at = plot.valToPos(x, "x", true);
      if (at < bbox.left || at > bbox.left + bbox.width) continue;
      const strong = ["onset", "exception", "oom"].includes(kind);
      ctx.strokeStyle = ctx.fillStyle = colour(strong ? "--bad" : "--mark");
      ctx.lineWidth = devicePixelRatio;
      ctx.setLineDash(strong ? [] : [4, 4]);
      ctx.beginPath();
      ctx.moveTo(at, bbox.top);
      ctx.lineTo(at, bbox.top + bbox.height);
      ctx.stroke();
      const room = ctx.measureText(label).width + 4;
      const begin = at + room > bbox.left + bbox.width ? at - room : at + 4;
      if (begin > free) {
        ctx.fillText(label, begin, bbox.top + 12 * devicePixelRatio);
        free = begin + room + 4;
      }
    }
    ctx.strokeStyle = ctx.fillStyle = colour("--bad");
    const level = panel.limit === null ? null : plot.valToPos(panel.limit, "y", true);
    if (level !== null && level >= bbox.top && level <= bbox.top + bbox.height) {
      ctx.setLineDash([8, 4]);
      ctx.beginPath();
      ctx.moveTo(bbox.left, level);
      ctx.lineTo(bbox.left + bbox.width, level);
      ctx.stroke();
    }
    ctx.setLineDash([]);
    for (const table of panel.tables) {
      for (const curve of table.curves) {
        for (const x of curve.bad) {
          const at = plot.valToPos(x, "x", true);
          if (at < bbox.left || at > bbox.left + bbox.width) continue;
          ctx.beginPath();
          ctx.moveTo(at, bbox.top + bbox.height);
          ctx.lineTo(at, bbox.top + 0.9 * bbox.height);
          ctx.stroke();
        }
      }
    }
    ctx.restore();
  };

  const draw = async (figure, panel, log) => {
    const wide = figure.querySelector(".live");
    wide.replaceChildren();
    const tables = await Promise.all(panel.tables.map(tableOf));
    const joined = tables.length === 1 ? tables[0] : uPlot.join(tables);
    const series = [{ label: panel.x, value: (_, v) => (v === null ? "–" : v.toLocaleString("en")) }];
    const bands = [];
    let hue = 0;
    for (const table of panel.tables) {
      for (const curve of table.curves) {
        const line = colour(`--c${hue++ % 8}`);
        const value = (_, v) => word(v, panel.unit);
        if (curve.band) {
          const low = series.length;
          const edge = { stroke: `${line}90`, width: 1, value, points: { show: false } }; // a spike is thinner than a pixel, its edge is not
          series.push({ label: curve.lowest, ...edge });
          series.push({ label: curve.name, stroke: line, width: 1.5, value, points: { show: false } });
          series.push({ label: curve.highest, ...edge });
          bands.push({ series: [low + 2, low], fill: `${line}40` });
        } else {
          series.push({ label: curve.name, stroke: line, width: 1.5, value, spanGaps: true });
        }
      }
    }
    const positive = (v) => v === null || v === undefined || v > 0;
    const possible = joined.slice(1).every((row) => row.every(positive));
    const axis = { stroke: colour("--muted"), grid: { stroke: colour("--grid"), width: 1 }, ticks: { show: false } };
    const plot = new uPlot(
      {
        width: wide.clientWidth,
        height: 240,
        cursor: { sync: { key: `trainwatch-${panel.x}` }, drag: { x: true, y: false } },
        scales: { x: { time: false }, y: log && possible ? { distr: 3 } : {} },
        series,
        bands,
        axes: [
          { ...axis, values: (_, ticks) => ticks.map((v) => v.toLocaleString("en")) },
          { ...axis, size: 78, values: (_, ticks) => ticks.map((v) => (v === null ? "" : word(v, panel.unit))) },
        ],
        hooks: { draw: [marks(panel)] },
      },
      joined,
      wide,
    );
    return { plot, possible };
  };

  const shown = new Map();
  const show = async (figure, panel, log) => {
    shown.get(figure)?.plot.destroy();
    figure.classList.add("exploring");
    const made = await draw(figure, panel, log);
    shown.set(figure, { ...made, panel, log });
    const box = figure.querySelector(".axis");
    box.hidden = !made.possible;
    box.querySelector("input").checked = log;
  };

  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      if (shown.size) {
        for (const [figure, { plot }] of shown) {
          plot.destroy();
          figure.classList.remove("exploring");
          figure.querySelector(".axis").hidden = true;
        }
        shown.clear();
        button.textContent = button.dataset.on;
      } else {
        if (typeof uPlot === "undefined") {
          const script = document.createElement("script");
          script.textContent = new TextDecoder().decode(await bytes(document.getElementById("uplot").textContent)) + "\nwindow.uPlot = uPlot;";
          document.head.append(script);
        }
        const panels = JSON.parse(data.textContent);
        for (const figure of document.querySelectorAll("figure[data-panel]")) {
          const panel = panels[figure.dataset.panel];
          if (panel) await show(figure, panel, panel.log);
        }
        button.textContent = button.dataset.off;
      }
    } catch (error) {
      for (const figure of document.querySelectorAll("figure.exploring")) figure.classList.remove("exploring");
      shown.clear();
      button.textContent = button.dataset.failed;
      return; // and stays disabled
    }
    button.disabled = false;
  });
  for (const box of document.querySelectorAll("figure .axis input")) {
    box.addEventListener("change", () => {
      const figure = box.closest("figure");
      const { panel } = shown.get(figure);
      show(figure, panel, box.checked);
    });
  }
  let later;
  const again = () => {
    clearTimeout(later);
    later = setTimeout(() => {
      for (const [figure, { panel, log }] of [...shown]) show(figure, panel, log);
    }, 150);
  };
  addEventListener("resize", again);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
})();
