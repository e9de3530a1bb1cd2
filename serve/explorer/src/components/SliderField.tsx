export { SliderField } from "./index";
