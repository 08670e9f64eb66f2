import { createRouter, createWebHistory, type Router } from "vue-router";

import LoginPage from "@/features/login/LoginPage.vue";
import type { Desk } from "@/lib/desk";

import DeskPage from "./DeskPage.vue";
import LostPage from "./LostPage.vue";

declare module "vue-router" {
  interface RouteMeta {
    /** The action without which a page has nothing to show. */
    action?: string;
    open?: boolean;
    /** The page fills the screen, without the header. */
    bare?: boolean;
  }
}

export function makeRouter(desk: Desk): Router {
  const router = createRouter({
    history: createWebHistory(),
    routes: [
      { path: "/login", name: "login", component: LoginPage, meta: { open: true } },
      { path: "/", name: "wall", component: DeskPage, meta: { action: "camera.watch" } },
      { path: "/history", name: "history", component: () => import("@/features/history/HistoryPage.vue"), meta: { action: "event.read" } },
      { path: "/load", name: "load", component: () => import("@/features/load/LoadPage.vue"), meta: { action: "load.read" } },
      { path: "/overview", name: "overview", component: () => import("./OverviewPage.vue"), meta: { action: "overview.read", bare: true } },
      { path: "/setup", name: "setup", component: () => import("@/features/setup/SetupPage.vue"), meta: { action: "settings.read" } },
      { path: "/health", name: "health", component: () => import("@/features/health/HealthPage.vue"), meta: { action: "camera.read" } },
      { path: "/wall/:screen([a-z0-9-]+)", name: "screen", component: () => import("./WallScreenPage.vue"), meta: { open: true } },
      { path: "/:path(.*)*", name: "lost", component: LostPage },
    ],
  });
  let asked = false;
  router.beforeEach(async (to) => {
    if (!asked && desk.account.value === null) {
      try {
        await desk.resume();
        asked = true;
      } catch {
        // The server cannot be reached: the login page says so at the first try.
        if (to.meta.open !== true) return { name: "login", query: { next: to.fullPath } };
      }
    }
    if (to.meta.open !== true && desk.account.value === null) return { name: "login", query: to.path === "/" ? {} : { next: to.fullPath } };
    const screen = desk.account.value?.screen;
    // A wall screen has one page.
    if (screen && to.name !== "screen") return { name: "screen", params: { screen } };
    if (to.name === "login" && desk.account.value !== null) return { name: "wall" };
    return true;
  });
  return router;
}
