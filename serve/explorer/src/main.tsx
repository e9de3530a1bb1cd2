import { render } from "preact";
import { App } from "./App";
import "./theme.css";

const place = document.getElementById("app");
if (place) {
  place.replaceChildren();
  render(<App />, place);
}
