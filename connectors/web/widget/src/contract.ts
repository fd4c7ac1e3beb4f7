// What the server sends (docs/widget.md, /openapi.json). Unknown fields and kinds are ignored, so that a script that a
// browser kept for long goes on working with a newer server.

export interface Option {
  label: string;
  payload: string;
}

export interface Part {
  field: string;
  title: string;
  lines: string[];
  published: boolean;
}

export interface Source {
  line?: string;
  name?: string;
  decision?: string;
  decision_date?: string;
  url?: string;
  retrieved?: string;
}

export interface ProcedureCard {
  procedure_code: string;
  title: string;
  fields: string[];
  parts: Part[];
  sources: Source[];
  text: string;
  page: number;
}

export interface Step {
  name: string;
  state: string;
}

export interface DossierCard {
  kind: "dossier";
  steps: Step[];
}

export interface Reply {
  text: string;
  status: string;
  options?: Option[];
  card?: ProcedureCard | DossierCard | null;
}

// One line of the conversation: `text` of a citizen, `reply` of the assistant or of an officer.
export interface Entry {
  id: number;
  who: "citizen" | "bot" | "staff";
  text?: string | null;
  reply?: Reply | null;
}

export interface Opened {
  token: string;
  greeting: Reply;
  consent_text: string;
  help_phone: string;
}
