export { PlotFigure } from "./index";
