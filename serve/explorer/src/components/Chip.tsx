export { Chip } from "./index";
