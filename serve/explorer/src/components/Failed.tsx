export { Failed } from "./index";
