export { NumberField } from "./index";
