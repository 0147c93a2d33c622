import { render } from "preact";
import { start } from "./actions";
import { App } from "./app";
import "./css/base.css";
import "./css/shopper.css";
import "./css/list.css";
import "./css/why.css";
import "./css/what-if.css";

render(<App />, document.getElementById("app")!);
void start();
