export { SelectField } from "./index";
