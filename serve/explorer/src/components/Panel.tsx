export { Panel } from "./index";
