// Starts the page.

import { render } from "preact";
import { startFeed } from "./api/live";
import { App } from "./app";
import { startClock } from "./shell/now";
import { startRoute } from "./shell/route";
import { startTheme } from "./shell/theme";
import "uplot/dist/uPlot.min.css";
import "./style/base.css";
import "./style/frame.css";
import "./style/parts.css";
import "./style/overview.css";
import "./style/charts.css";
import "./style/pages.css";

startTheme();
startRoute();
startClock();
startFeed();
const root = document.getElementById("app");
if (root) render(<App />, root);
