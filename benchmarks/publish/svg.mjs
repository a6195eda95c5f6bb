// What every chart is made of: a frame with accessible text, and elements with escaped contents.

/** Colours by the name that charts use. The two themes have the same names. */
export const THEMES = {
  light: {
    text: "#1f2328",
    quiet: "#59636e",
    grid: "#d1d9e0",
    ours: "#0969da",
    related: "#54aeff",
    other: "#afb8c1",
    bare: "#d4a72c",
  },
  dark: {
    text: "#e6edf3",
    quiet: "#9198a1",
    grid: "#3d444d",
    ours: "#58a6ff",
    related: "#1f6feb",
    other: "#6e7681",
    bare: "#bb8009",
  },
};

/** Width of a chart in a document, in pixels. */
export const WIDTH = 840;

const FONT = "system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif";

/** A picture. `title` and `description` are for people who do not see it; `heading` and `note` stand at its top. */
export function picture({ height, title, description, heading, note, theme }, body) {
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-labelledby="title description" font-family="${FONT}" font-size="14">`,
    `<title id="title">${escaped(title)}</title>`,
    `<desc id="description">${escaped(description)}</desc>`,
    text(0, 18, heading, { fill: theme.text, "font-size": 17, "font-weight": 600 }),
    text(0, 40, note, { fill: theme.quiet }),
    ...body,
    "</svg>",
  ].join("\n")}\n`;
}

export function text(x, y, content, attributes = {}) {
  return element("text", { x, y, ...attributes }, escaped(content));
}

export function element(name, attributes, content) {
  const written = Object.entries(attributes).map(
    ([key, value]) => ` ${key}="${typeof value === "number" ? round(value) : value}"`,
  );
  return content === undefined ? `<${name}${written.join("")}/>` : `<${name}${written.join("")}>${content}</${name}>`;
}

function round(value) {
  return Math.round(value * 10) / 10;
}

function escaped(content) {
  return content.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
