// Shows a report from the API: sections of tables, each with its chart; all texts as text.
"use strict";

(() => {
  const root = document.getElementById("report");
  const state = document.getElementById("state");
  const api = "/api/v1/console/reports";
  const query = root.dataset.query;
  const formats = {
    count: new Intl.NumberFormat("vi-VN"),
    rate: new Intl.NumberFormat("vi-VN", { style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 }),
    rate2: new Intl.NumberFormat("vi-VN", { style: "percent", minimumFractionDigits: 2, maximumFractionDigits: 2 }),
    number: new Intl.NumberFormat("vi-VN", { minimumFractionDigits: 2, maximumFractionDigits: 2 }),
  };

  function element(name, text = null, attributes = {}) {
    const made = document.createElement(name);
    if (text !== null) made.textContent = text;
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  }

  function words(value, kind) {
    if (value === null) return "không có số liệu";
    return kind === "text" ? value : formats[kind].format(value);
  }

  function head(columns) {
    const made = element("thead");
    const grouped = columns.some((column) => column.group);
    const upper = element("tr");
    const lower = element("tr");
    let place = 0;
    while (grouped && place < columns.length) {
      const { group } = columns[place];
      let width = 1;
      while (group && columns[place + width]?.group === group) width += 1;
      if (group) upper.append(element("th", group, { scope: "colgroup", colspan: width }));
      else upper.append(element("th", columns[place].title, { scope: "col", rowspan: 2 }));
      place += width;
    }
    columns.filter((column) => !grouped || column.group).forEach((column) => {
      const cell = element("th", column.title, { scope: "col" });
      if (column.kind !== "text") cell.className = "number";
      lower.append(cell);
    });
    if (grouped) made.append(upper);
    made.append(lower);
    return made;
  }

  function body(table) {
    const made = element("tbody");
    const named = Math.max(0, table.columns.findIndex((column) => column.kind === "text"));
    table.rows.forEach((row, number) => {
      const line = element("tr");
      if (table.total && number === table.rows.length - 1) line.className = "total";
      row.forEach((value, place) => {
        const { kind } = table.columns[place];
        const cell = place === named && kind === "text" && value ? element("th", value, { scope: "row" }) : element("td");
        if (cell.tagName === "TD") {
          if (value === null) {
            const dash = element("span", "–", { "aria-hidden": "true" });
            dash.className = "none";
            const said = element("span", words(null, kind));
            said.className = "hidden";
            cell.append(dash, said);
          } else cell.textContent = words(value, kind);
        }
        if (kind !== "text") cell.className = "number";
        line.append(cell);
      });
      made.append(line);
    });
    return made;
  }

  function shown(section, table, later) {
    const made = element("article", null, { class: "report-table", "aria-labelledby": `t-${table.id}` });
    const name = `${section.title}, ${table.title}`;
    made.append(element("h3", table.title, { id: `t-${table.id}` }));
    const say = (row, place) => words(row[place], table.columns[place].kind);
    const chart = table.chart && window.Chart ? window.reportCharts.draw(table, name, say) : null;
    if (chart) {
      made.append(chart.figure);
      later.push(chart.start);
    }
    if (table.rows.length) {
      const scroll = element("div", null, { class: "scroll", role: "region", tabindex: "0", "aria-label": `Bảng: ${name}` });
      const sheet = element("table");
      sheet.append(element("caption", table.title), head(table.columns), body(table));
      scroll.append(sheet);
      made.append(scroll);
    } else made.append(element("p", "Không có số liệu."));
    table.notes.forEach((note) => made.append(element("small", note)));
    const link = element("a", "Tải bảng này (.csv)", { href: `${api}/tables/${encodeURIComponent(table.id)}.csv?${query}`, class: "csv" });
    link.setAttribute("aria-label", `Tải bảng này (.csv): ${name}`);
    made.append(link);
    return made;
  }

  function tiles(table) {
    const made = element("ul", null, { class: "tiles" });
    table.rows.forEach(([name, n, unit, rate, low, high]) => {
      const tile = element("li");
      tile.append(element("span", name), element("strong", rate === null ? "–" : formats.rate.format(rate)));
      const facts = [];
      if (n !== null) facts.push(`${formats.count.format(n)} ${unit}`);
      if (low !== null) facts.push(`từ ${formats.rate.format(low)} đến ${formats.rate.format(high)}`);
      if (rate === null) facts.push("không tính được");
      tile.append(element("span", facts.join(" · ")));
      made.append(tile);
    });
    return made;
  }

  function contents(sections) {
    const made = element("nav", null, { class: "contents", "aria-label": "Các phần của báo cáo" });
    const list = element("ul");
    sections.forEach((section) => {
      const entry = element("li");
      entry.append(element("a", section.title, { href: `#s-${section.id}` }));
      list.append(entry);
    });
    made.append(list);
    return made;
  }

  function methods(report) {
    const made = element("section", null, { class: "report-section methods", id: "s-methods", "aria-labelledby": "h-methods" });
    made.append(element("h2", "Cách tính và nguồn", { id: "h-methods" }));
    const list = element("dl");
    report.methods.forEach((method) => {
      list.append(element("dt", method.figure), element("dd", method.formula), element("dd", `Nguồn: ${method.source}.`));
      if (method.caution) list.append(element("dd", `Lưu ý: ${method.caution}`));
    });
    made.append(list);
    return made;
  }

  function show(report) {
    const later = [];
    root.append(contents([...report.sections, { id: "methods", title: "Cách tính và nguồn" }]));
    report.sections.forEach((section) => {
      const part = element("section", null, { class: "report-section", id: `s-${section.id}`, "aria-labelledby": `h-${section.id}` });
      part.append(element("h2", section.title, { id: `h-${section.id}` }));
      section.notes.forEach((note) => {
        const line = element("p", note);
        if (note.includes("LỖI") || note.startsWith("Lỗi")) line.className = "notice bad";
        part.append(line);
      });
      if (section.id === "summary") part.append(tiles(section.tables[0]));
      section.tables.forEach((table) => part.append(shown(section, table, later)));
      root.append(part);
    });
    root.append(methods(report));
    later.forEach((start) => start());
    const print = document.getElementById("print");
    print.hidden = false;
    print.addEventListener("click", () => window.print());
  }

  function tell(text, bad) {
    state.textContent = text;
    state.className = bad ? "notice bad" : "notice";
    state.hidden = false;
  }

  async function load() {
    tell("Đang lập báo cáo …", false);
    try {
      const answer = await fetch(`${api}?${query}`, { headers: { Accept: "application/json" } });
      if (answer.status === 401) return window.location.reload();
      const read = await answer.json();
      if (!answer.ok) throw new Error(read.error?.message ?? "");
      show(read);
      state.hidden = true;
    } catch (error) {
      const known = error instanceof Error && error.name === "Error" && error.message;
      tell(known || "Chưa tải được báo cáo. Anh/chị thử tải lại trang sau ít phút.", true);
    } finally {
      root.setAttribute("aria-busy", "false");
    }
    return undefined;
  }
  load();
})();
