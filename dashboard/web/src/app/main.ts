import "@fontsource-variable/inter/wght.css";
import "@fontsource-variable/noto-sans-sc/wght.css";
import "./tokens.css";
import "./base.css";

import { createApp } from "vue";

import { deskKey, makeDesk } from "@/lib/desk";
import { makeWords, provideWords } from "@/lib/i18n";
import { makeWall, wallKey } from "@/lib/wall/wall";

import App from "./App.vue";
import { makeRouter } from "./router";

const words = makeWords(localStorage);
const desk = makeDesk(words);
const app = createApp(App);
provideWords(words, app);
app.provide(deskKey(), desk);
app.provide(wallKey(), makeWall(localStorage));
app.use(makeRouter(desk));
app.mount("#app");
