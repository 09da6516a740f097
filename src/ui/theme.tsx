import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from "react";
import type { Theme } from "../figures/colour-table.ts";

export type ThemeChoice = "system" | Theme;

const KEY = "regscope-theme";
const ThemeContext = createContext<{
  readonly choice: ThemeChoice;
  /** What is on screen. */
  readonly theme: Theme;
  readonly choose: (choice: ThemeChoice) => void;
} | null>(null);

function storedChoice(): ThemeChoice {
  try {
    const stored = localStorage.getItem(KEY);
    return stored === "light" || stored === "dark" ? stored : "system";
  } catch {
    return "system"; // storage is blocked
  }
}

/** Keeps the theme: the system's, or the user's choice, which is remembered. */
export function ThemeProvider({ children }: { readonly children: ReactNode }) {
  const [choice, setChoice] = useState(storedChoice);
  const [systemDark, setSystemDark] = useState(() => matchMedia("(prefers-color-scheme: dark)").matches);

  useEffect(() => {
    const query = matchMedia("(prefers-color-scheme: dark)");
    const listen = () => setSystemDark(query.matches);
    query.addEventListener("change", listen);
    return () => query.removeEventListener("change", listen);
  }, []);

  useEffect(() => {
    if (choice === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = choice;
    try {
      if (choice === "system") localStorage.removeItem(KEY);
      else localStorage.setItem(KEY, choice);
    } catch {
      // Storage is blocked: the choice lasts until the page is closed.
    }
  }, [choice]);

  const theme: Theme = choice === "system" ? (systemDark ? "dark" : "light") : choice;
  const value = useMemo(() => ({ choice, theme, choose: setChoice }), [choice, theme]);
  return <ThemeContext.Provider value={value}>{children}</ThemeContext.Provider>;
}

/** The theme and its switch. */
export function useTheme() {
  const context = useContext(ThemeContext);
  if (!context) throw new Error("useTheme needs a ThemeProvider above it");
  return context;
}
