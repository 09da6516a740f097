import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { keepSite } from "./offline/service-worker.ts";
import { createLab } from "./store/lab.ts";
import "./styles/index.css";
import { App } from "./ui/app.tsx";
import { createBrowserHost } from "./ui/browser-host.ts";
import { LabProvider } from "./ui/lab-context.tsx";
import { createLabClient } from "./worker/client.ts";

const client = createLabClient();
const lab = createLab(client, createBrowserHost());
client.onWorkerRestart((reason) => void lab.recover(reason));
const updates = keepSite(lab, client.loadedFiles);
void lab.boot();

const root = document.getElementById("root");
if (!root) throw new Error("index.html has no #root element");
createRoot(root).render(
  <StrictMode>
    <LabProvider lab={lab}>
      <App updates={updates} />
    </LabProvider>
  </StrictMode>,
);
