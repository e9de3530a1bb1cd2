export { Estimate } from "./index";
