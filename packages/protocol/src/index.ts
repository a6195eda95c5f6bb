export { MultifrostError } from "./errors/index.js";
