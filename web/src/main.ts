/* Start: one board in one page. */

import { mount } from "svelte";
import App from "./App.svelte";
import { Board } from "./board.svelte";
import "./theme.css";

const target = document.getElementById("board");
if (target === null) throw new Error("the page has no element #board");
const base = new URL(".", location.href.split("#")[0]).href;
mount(App, { target, props: { board: new Board(base) } });
