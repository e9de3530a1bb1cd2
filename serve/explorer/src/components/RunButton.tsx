export { RunButton } from "./index";
