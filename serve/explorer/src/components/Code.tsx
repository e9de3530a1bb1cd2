export { Code } from "./index";
