export { DataTable } from "./index";
