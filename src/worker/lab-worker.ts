import * as Comlink from "comlink";
import { Lab } from "./lab.ts";

/** Entry of the worker that owns ORT and the weights. */
Comlink.expose(new Lab());
