// What a link or a QR code to our own page says for the person who opened it: /?tt=1.001193 (a procedure), /?tra=ho-so.
export interface Opening {
  shown: string;
  text: string;
}

export function openingOf(search: string): Opening | null {
  const asked = new URLSearchParams(search);
  const code = asked.get("tt") ?? "";
  if (/^\d\.\d{6}[0-9A-Z.]{0,24}$/.test(code)) {
    return { shown: `Thủ tục ${code}`, text: `/choose_option${JSON.stringify({ choice: code })}` };
  }
  return asked.get("tra") === "ho-so" ? { shown: "Tra cứu hồ sơ", text: "/dossier_status" } : null;
}
