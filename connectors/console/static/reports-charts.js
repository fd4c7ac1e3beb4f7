// Draws a table of a report with Chart.js, and lets keyboard and screen reader walk over its points.
// Chart2Music was considered: it speaks no Vietnamese, so the walking is done here; the numbers also stand in the table below.
"use strict";

window.reportCharts = (() => {
  const charts = [];
  const LETTER_PX = 7;
  const ROW_PX = 30;

  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const palette = (printed) => printed
    ? { ink: "#000", muted: "#333", grid: "#ccc", series: ["#0072b2", "#00835f", "#c24b00"] }
    : { ink: css("--ink"), muted: css("--muted"), grid: css("--chart-grid"), series: [css("--chart-1"), css("--chart-2"), css("--chart-3")] };

  // Labels beside bars take two fifths of the width at most.
  const short = (label, width) => {
    const most = Math.max(8, Math.floor((width * 0.4) / LETTER_PX));
    return label.length > most ? `${label.slice(0, most - 1)}…` : label;
  };

  // Whiskers of the confidence interval.
  const intervals = {
    id: "intervals",
    afterDatasetsDraw(chart, _args, options) {
      if (!options.ends) return;
      const { ctx } = chart;
      const flat = chart.options.indexAxis === "y";
      const scale = chart.scales[flat ? "x" : "y"];
      ctx.save();
      ctx.strokeStyle = options.color;
      ctx.lineWidth = 1.5;
      chart.getDatasetMeta(0).data.forEach((element, index) => {
        const [low, high] = options.ends[index];
        if (low === null || high === null) return;
        const [a, b] = [scale.getPixelForValue(low), scale.getPixelForValue(high)];
        const at = flat ? element.y : element.x;
        const line = (x1, y1, x2, y2) => { ctx.beginPath(); ctx.moveTo(x1, y1); ctx.lineTo(x2, y2); ctx.stroke(); };
        if (flat) { line(a, at, b, at); line(a, at - 5, a, at + 5); line(b, at - 5, b, at + 5); }
        else { line(at, a, at, b); line(at - 5, a, at + 5, a); line(at - 5, b, at + 5, b); }
      });
      ctx.restore();
    },
  };

  function scales(spec, rate, flat, colors) {
    const value = {
      beginAtZero: true,
      stacked: spec.kind === "stacked",
      grid: { color: colors.grid },
      ticks: { color: colors.ink, callback: (v) => (rate ? `${Math.round(v * 100)}%` : v.toLocaleString("vi-VN")), precision: rate ? undefined : 0 },
    };
    if (rate) value.max = 1;
    const label = {
      stacked: spec.kind === "stacked",
      grid: { display: false },
      ticks: { color: colors.ink, autoSkip: !flat, callback(index) { return flat ? short(this.getLabelForValue(index), this.chart.width) : this.getLabelForValue(index); } },
    };
    return flat ? { x: value, y: label } : { x: label, y: value };
  }

  // Draws anew, in the colours of the screen's scheme or of paper.
  function paint(entry, printed) {
    const colors = palette(printed);
    entry.chart?.destroy();
    entry.chart = new Chart(entry.canvas, entry.config(colors));
  }

  // A chart of the table; `name` says what it shows, `say(row, column)` gives a cell as people read it.
  // Null where there is nothing to draw.
  function draw(table, name, say) {
    const spec = table.chart;
    const rows = table.total ? table.rows.slice(0, -1) : table.rows;
    const kind = table.columns[spec.values[0]].kind;
    const rate = kind === "rate" || kind === "rate2";
    if (!rows.some((row) => spec.values.some((place) => row[place] !== null))) return null;
    const labels = rows.map((row) => String(row[spec.label]));
    const flat = spec.kind !== "line";
    const figure = document.createElement("div");
    figure.className = "chart";
    const area = document.createElement("div");
    area.className = "chart-area";
    area.style.height = `${flat ? Math.max(120, rows.length * ROW_PX + 70) : 260}px`;
    area.tabIndex = 0;
    area.setAttribute("role", "application");
    area.setAttribute("aria-roledescription", "biểu đồ");
    area.setAttribute("aria-label", `Biểu đồ: ${name}. Phím mũi tên để nghe từng giá trị. Bảng số liệu ở ngay dưới.`);
    const canvas = document.createElement("canvas");
    canvas.setAttribute("aria-hidden", "true");
    area.append(canvas);
    const told = document.createElement("p");
    told.className = "chart-told";
    told.setAttribute("aria-live", "polite");
    const hint = document.createElement("p");
    hint.className = "chart-hint";
    hint.textContent = spec.low === null
      ? "Chọn biểu đồ rồi dùng phím mũi tên để xem từng giá trị."
      : "Vạch mảnh là khoảng tin cậy 95%. Chọn biểu đồ rồi dùng phím mũi tên để xem từng giá trị.";
    const image = document.createElement("img");
    image.className = "chart-print";
    image.alt = `Biểu đồ: ${name}`;
    figure.append(area, hint, told, image);

    const ends = spec.low === null ? null : rows.map((row) => [row[spec.low], row[spec.high]]);
    const entry = { spec, flat, image, canvas };
    entry.config = (colors) => ({
      type: spec.kind === "line" ? "line" : "bar",
      plugins: [intervals],
      data: {
        labels,
        datasets: spec.values.map((place, series) => ({
          label: table.columns[place].title,
          data: rows.map((row) => row[place]),
          backgroundColor: colors.series[series],
          borderColor: colors.series[series],
          borderWidth: spec.kind === "line" ? 2.5 : 0,
          pointRadius: 5,
          pointHoverRadius: 8,
          maxBarThickness: 22,
          clip: 10,
        })),
      },
      options: {
        animation: false,
        responsive: true,
        maintainAspectRatio: false,
        indexAxis: flat ? "y" : "x",
        layout: { padding: { top: 8, right: 12 } },
        scales: scales(spec, rate, flat, colors),
        plugins: {
          colors: { enabled: false },
          legend: { display: spec.values.length > 1, labels: { color: colors.ink } },
          tooltip: { callbacks: {
            title: (items) => labels[items[0].dataIndex],
            label: (item) => `${item.dataset.label}: ${say(rows[item.dataIndex], spec.values[item.datasetIndex])}`,
          } },
          intervals: { ends, color: colors.ink },
        },
      },
    });
    const start = () => {
      charts.push(entry);
      paint(entry, false);
    };
    walk(area, told, entry, rows, labels, say);
    return { figure, start };
  }

  function walk(area, told, entry, rows, labels, say) {
    const { spec } = entry;
    let [at, series] = [-1, 0];
    const tell = () => {
      const place = spec.values[series];
      const name = spec.values.length > 1 ? `${entry.chart.data.datasets[series].label}: ` : "";
      const interval = spec.low === null || rows[at][spec.low] === null ? "" : `, từ ${say(rows[at], spec.low)} đến ${say(rows[at], spec.high)}`;
      told.textContent = `${at + 1}/${rows.length}. ${labels[at]}: ${name}${say(rows[at], place)}${interval}.`;
      const active = rows[at][place] === null ? [] : [{ datasetIndex: series, index: at }];
      entry.chart.setActiveElements(active);
      entry.chart.update("none");
    };
    area.addEventListener("keydown", (event) => {
      const along = entry.flat ? ["ArrowDown", "ArrowUp"] : ["ArrowRight", "ArrowLeft"];
      const across = entry.flat ? ["ArrowRight", "ArrowLeft"] : ["ArrowDown", "ArrowUp"];
      const single = spec.values.length === 1;
      const step = (keys) => (event.key === keys[0] ? 1 : event.key === keys[1] ? -1 : 0);
      let move = step(along);
      const turn = step(across);
      if (single && turn) move = turn;
      if (move) at = at < 0 ? 0 : Math.min(rows.length - 1, Math.max(0, at + move));
      else if (event.key === "Home") at = 0;
      else if (event.key === "End") at = rows.length - 1;
      else if (turn && !single) { series = (series + turn + spec.values.length) % spec.values.length; at = Math.max(at, 0); }
      else return;
      event.preventDefault();
      tell();
    });
    area.addEventListener("blur", () => {
      entry.chart.setActiveElements([]);
      entry.chart.update("none");
    });
  }

  // On paper: black on white whatever the screen's scheme, as images that fit the sheet.
  function forPaper() {
    charts.forEach((entry) => {
      paint(entry, true);
      entry.image.src = entry.chart.toBase64Image();
    });
  }
  const forScreen = () => charts.forEach((entry) => paint(entry, false));
  window.addEventListener("beforeprint", forPaper);
  window.addEventListener("afterprint", forScreen);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", forScreen);

  return { draw, forPaper, forScreen };
})();
