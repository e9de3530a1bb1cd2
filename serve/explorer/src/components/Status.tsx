export { Status } from "./index";
