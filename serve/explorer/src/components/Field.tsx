export { Field } from "./index";
