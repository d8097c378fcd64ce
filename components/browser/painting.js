/** Plotly figures in the colours of the theme: spectrograms, their difference, timelines. */

export const GUTTER = 46; // px left of the time axis, in every picture and beside every waveform
export const MARGIN = 8; // px right of it

const LEVELS = {
  dark: ["#15181c", "#261f45", "#6f2a69", "#d2504d", "#f6b062", "#fff4d6"],
  light: ["#fffdf9", "#f6dfc0", "#e39a66", "#ad3f5d", "#4c2060", "#170c2b"],
};
// Where A is louder, the colour of A; where B is, that of B: blue and vermilion, told apart by all.
const DIFFERENCES = {
  dark: ["#b6e6f5", "#4fa9c8", "#2a4552", "#15181c", "#5a3526", "#f0874f", "#ffd9bd"],
  light: ["#0d3f54", "#3c87a5", "#b9d5df", "#fffdf9", "#f0cbb4", "#c05c33", "#6a210a"],
};
const LANES = {
  dark: ["#7cc4de", "#e5b567", "#b79ce6", "#8bd0a2", "#f08aa8", "#a9b8c8"],
  light: ["#1f6f8b", "#8a5a00", "#6a4c93", "#2f7a4d", "#a33b5e", "#4a5a6a"],
};

const isDark = () => document.body.classList.contains("dark");

/** The colours of a picture, from its lowest level to its highest. */
export const coloursOf = (isDifference) => (isDifference ? DIFFERENCES : LEVELS)[isDark() ? "dark" : "light"];

/** Draw a figure of plain values into a node, or draw it again when the theme or the values change. */
export function paint(plotly, node, figure, { isDifference = false } = {}) {
  const style = getComputedStyle(document.body);
  const [ink, line] = ["--bs-soft", "--bs-line"].map((name) => style.getPropertyValue(name).trim());
  const theme = isDark() ? "dark" : "light";
  const colours = coloursOf(isDifference);
  const scale = colours.map((colour, i) => [i / (colours.length - 1), colour]);
  const data = figure.data.map((trace, i) =>
    trace.type === "heatmap"
      ? { ...trace, colorscale: scale }
      : {
          ...trace,
          marker: { color: LANES[theme][(i - 1) % LANES[theme].length] },
          textfont: { color: theme === "dark" ? "#14171b" : "#ffffff", size: 11 },
        },
  );
  const axis = { color: ink, gridcolor: line, linecolor: line, zeroline: false, showgrid: false, fixedrange: true };
  const { xaxis, yaxis, yaxis2 } = figure.layout;
  const layout = {
    autosize: true,
    margin: { l: GUTTER, r: MARGIN, t: 8, b: 34 },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: isDifference ? colours[3] : colours[0],
    font: { family: style.fontFamily, size: 11, color: ink },
    dragmode: false,
    bargap: 0,
    barmode: "overlay",
    showlegend: false,
    xaxis: { ...axis, ...xaxis, ticks: "outside", ticklen: 3 },
    yaxis: { ...axis, ...yaxis },
    ...(yaxis2 ? { yaxis2: { ...axis, ...yaxis2 } } : {}),
  };
  plotly.react(node, data, layout, { displayModeBar: false, responsive: false });
}
