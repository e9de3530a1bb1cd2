"use strict";
(() => {
  const narrow = 480;
  const settings = { displaylogo: false, displayModeBar: false };

  const draw = (figure, width) => {
    const plot = figure.querySelector(".plot");
    const select = figure.querySelector("select");
    const { data, layout } = figure.views[select ? select.selectedIndex : 0].figure;
    const shape = { ...layout, width: Math.floor(width || plot.clientWidth) };
    if (shape.width < narrow) {
      shape.font = { ...layout.font, size: 11 };
      shape.legend = { ...layout.legend, font: { size: 11 } };
    }
    if (shape.width < 260) {
      for (const axis of ["xaxis", "yaxis"]) {
        shape[axis] = { ...layout[axis], tickfont: { ...layout[axis].tickfont, size: 6 } };
      }
    }
    figure.drawn = plot.clientWidth;
    Plotly.react(plot, data, shape, settings);
  };

  const figures = [...document.querySelectorAll("figure")];
  const fitted = new ResizeObserver((changes) => {
    for (const { target } of changes) {
      const figure = target.closest("figure");
      if (target.clientWidth !== figure.drawn) draw(figure);
    }
  });
  for (const figure of figures) {
    figure.views = JSON.parse(figure.querySelector("script").textContent);
    figure.querySelector("select")?.addEventListener("change", () => draw(figure));
    fitted.observe(figure.querySelector(".plot"));
  }

  const share = { full: 1, half: 0.48, third: 0.31 };
  window.addEventListener("beforeprint", () => {
    fitted.disconnect();
    for (const details of document.querySelectorAll("details")) details.open = true;
    for (const figure of figures) draw(figure, 680 * share[figure.className]);
  });
  window.addEventListener("afterprint", () => {
    for (const figure of figures) {
      figure.drawn = 0;
      fitted.observe(figure.querySelector(".plot"));
    }
  });
})();
