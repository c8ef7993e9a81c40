// The list of conversations in the side bar: open, rename, delete with undo, export.

const lists = new WeakMap();
const LOCALIZE_MS = 1000;
const UPLOAD_LOOK_MS = 100;
const LOOK_MS = 2000; // between two looks whether another tab has changed the list

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  let root = lists.get(parentElement);
  if (!root) {
    root = document.createElement("nav");
    root.className = "qz-list";
    parentElement.append(root);
    lists.set(parentElement, root);
  }
  root.act = (action) => setTriggerValue("action", { ...action, at: Date.now() });
  root.revision = data.revision;
  draw(root, data, (action) => root.act(action));
  localizeFrame(data);
  // A menu is open for as long as one is in it, with the pointer or the keyboard.
  const closeMenus = (event) => {
    for (const menu of root.querySelectorAll("details[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  };
  root.watching?.abort();
  root.watching = new AbortController();
  const { signal } = root.watching;
  for (const kind of ["pointerdown", "focusin"]) document.addEventListener(kind, closeMenus, { signal });
  document.addEventListener("click", (event) => {
    if (event.target.closest('[data-testid="stPageLink"], .st-key-new button')) closeDrawer();
  }, { signal });
  for (const kind of ["dragover", "drop"]) {
    document.addEventListener(kind, (event) => { takeFiles(event); requestAnimationFrame(() => localizeUploads(data.labels)); }, { signal });
  }
  document.addEventListener("keydown", sendWithFiles, { signal, capture: true });
  // Streamlit puts its dialogs right into the body.
  const watcher = new MutationObserver(() => localizeFrame(data));
  watcher.observe(document.body, { childList: true });
  signal.addEventListener("abort", () => watcher.disconnect());
  clearInterval(root.localizing);
  // Widgets come at any time, and none of them says so.
  root.localizing = setInterval(() => localizeFrame(data), LOCALIZE_MS);
  clearInterval(root.looking);
  root.looking = setInterval(() => lookForChanges(root, data.base), LOOK_MS);
  return () => {
    clearInterval(root.localizing);
    clearInterval(root.looking);
    root.watching.abort();
    lists.delete(parentElement);
    parentElement.replaceChildren();
  };
}

function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

// What another tab has deleted, renamed or begun: the page is drawn again, once for each change.
async function lookForChanges(root, base) {
  if (document.hidden || root.isLooking) return;
  root.isLooking = true;
  try {
    const reply = await fetch(`${base}/conversations`);
    const { revision } = reply.ok ? await reply.json() : {};
    if (!revision || revision === root.revision || revision === root.seen) return;
    // It would end a run that has just begun, and what was pressed may be lost with it.
    if (document.querySelector('[data-testid="stApp"]')?.dataset.testScriptState !== "notRunning") return;
    root.seen = revision;
    root.act({ kind: "refresh" });
  } catch { // the server is gone: Streamlit says so
  } finally {
    root.isLooking = false;
  }
}

// By a function: "$&" in a title is no pattern of the replacement.
function titled(label, title) { return label.replace("{title}", () => title); }

function draw(root, data, act) {
  const { labels } = data;
  // Each run of the page comes here: what is open in the list stays, unless the list has changed.
  // A name that is being typed is not taken away; the list is drawn when it is done.
  if (root.querySelector(".qz-row input")) { root.pending = data; return; }
  const state = JSON.stringify(data);
  if (root.dataset.state === state) return;
  root.dataset.state = state;
  const opened = root.querySelector("details[open]")?.closest(".qz-row")?.dataset.id;
  root.setAttribute("aria-label", labels.list);
  const shown = [];
  if (data.deleted) {
    const undo = make("button", { type: "button", class: "qz-undo" }, labels.restore);
    undo.addEventListener("click", () => act({ kind: "restore", id: data.deleted.id }));
    shown.push(make("div", { class: "qz-deleted", role: "status" }, `${titled(labels.deleted, data.deleted.title)} `, undo));
  }
  let day = null;
  for (const line of data.lines) {
    if (line.day !== day) {
      day = line.day;
      shown.push(make("div", { class: "qz-day" }, day));
    }
    shown.push(row(line, data, act));
  }
  root.replaceChildren(...shown);
  if (opened) root.querySelector(`.qz-row[data-id="${CSS.escape(opened)}"] details`)?.setAttribute("open", "");
}

function row(line, data, act) {
  const { labels } = data;
  const open = make("button", { type: "button", class: "qz-open-conversation", title: line.title,
    "aria-current": line.id === data.current ? "page" : null }, line.title);
  open.addEventListener("click", () => {
    act({ kind: "open", id: line.id });
    closeDrawer();
  });
  const menu = make("details", { class: "qz-menu" }, make("summary", { "aria-label": titled(labels.actions, line.title) }, "⋯"));
  const whole = make("div", { class: "qz-row", "data-id": line.id }, open, menu);
  const button = (text, run) => {
    const made = make("button", { type: "button" }, text);
    made.addEventListener("click", () => { menu.open = false; run(); });
    return made;
  };
  const file = (format, text) => {
    const made = make("a", { download: "",
      href: `${data.base}/conversations/${encodeURIComponent(line.id)}/export?format=${format}&lang=${data.lang}` }, text);
    made.addEventListener("click", () => { menu.open = false; });
    return made;
  };
  menu.append(make("div", { class: "qz-menu-items" },
    button(labels.rename, () => rename(whole, line, data, act)),
    file("md", labels.export_md), file("json", labels.export_json),
    button(labels.delete, () => act({ kind: "delete", id: line.id }))));
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.open) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
  return whole;
}

function rename(whole, line, data, act) {
  const field = make("input", { type: "text", maxlength: "120", "aria-label": data.labels.rename });
  field.value = line.title;
  let ended = false;
  const end = (save) => {
    if (ended) return;
    ended = true;
    if (save && field.value.trim() && field.value !== line.title) act({ kind: "rename", id: line.id, title: field.value });
    const root = whole.closest(".qz-list");
    whole.replaceWith(row(save && field.value.trim() ? { ...line, title: field.value.trim() } : line, data, act));
    if (root?.pending) { const { pending } = root; root.pending = null; draw(root, pending, act); }
  };
  field.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "Enter" && !event.isComposing) end(true);
    if (event.key === "Escape") end(false);
  });
  field.addEventListener("blur", () => end(true));
  whole.replaceChildren(field);
  field.focus();
  field.select();
}

// On a phone the side bar lies over the page: whoever has chosen wants to see what.
function closeDrawer() {
  if (window.innerWidth > 768) return;
  document.querySelector('[data-testid="stSidebarCollapseButton"] button')?.click();
}

// A file that is dropped beside its place would be opened in the place of this page. In a conversation
// it goes into the line, in the library to what is added; elsewhere the pointer says that it goes nowhere.
async function takeFiles(event) {
  if (!event.dataTransfer?.types.includes("Files")) return;
  if (event.target.closest?.('[data-testid="stChatInput"], [data-testid="stFileUploaderDropzone"]')) return;
  event.preventDefault();
  if (!fileInput()) { event.dataTransfer.dropEffect = "none"; return; }
  if (event.type !== "drop") return;
  // The list of what was dropped is empty once this event is over.
  const { files } = event.dataTransfer;
  const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.some((entry) => entry.isDirectory)) { putFiles(files); return; }
  try {
    const found = await Promise.all(entries.map(filesBelow));
    const carried = new DataTransfer();
    for (const file of found.flat()) carried.items.add(file);
    putFiles(carried.files);
  } catch { // one of them may not be opened: Streamlit says so beside the folder's name
    putFiles(files);
  }
}

function fileInput() {
  return document.querySelector('[data-testid="stChatInput"] input[type="file"]')
    || document.querySelector('[data-testid="stFileUploaderDropzone"] input[type="file"]')
    || document.querySelector('[data-testid="stFileUploader"] input[type="file"]');
}

function putFiles(files) {
  // Found only now: while a folder was read, the line may have been drawn anew.
  const input = fileInput();
  if (!input || !files.length) return;
  input.closest("details:not([open])")?.querySelector("summary").click();
  input.files = files;
  input.dispatchEvent(new Event("change", { bubbles: true }));
}

// Streamlit drops an Enter while a file is on its way: what was typed is sent once the file is here.
function sendWithFiles(event) {
  const line = event.target, typed = line.value;
  if (line.dataset?.testid !== "stChatInputTextArea" || event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  const form = line.closest('[data-testid="stChatInput"]');
  const count = (part) => form.querySelectorAll(`[data-testid="stFileChip${part}"]`).length;
  const files = count("");
  if (!count("IconSpinner")) return;
  const waiting = setInterval(() => {
    // Whoever types on or takes a file away sends it themselves; so does who sees one that has failed.
    const isMeant = line.isConnected && line.value === typed && count("") === files && !count("IconError");
    if (isMeant && count("IconSpinner")) return;
    clearInterval(waiting);
    if (isMeant) form.querySelector('[data-testid="stChatInputSubmitButton"]').click();
  }, UPLOAD_LOOK_MS);
}

// The files of a dropped folder and of those in it; of a file itself it. What is hidden is not meant.
async function filesBelow(entry) {
  if (entry.name.startsWith(".")) return [];
  if (entry.isFile) return [await new Promise((done, fail) => entry.file(done, fail))];
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    // Some hundred at a time; none is the end.
    const some = await new Promise((done, fail) => reader.readEntries(done, fail));
    if (!some.length) return found;
    for (const below of some) found.push(...await filesBelow(below));
  }
}

// Where the server is gone, Streamlit asks whether one is connected to the internet.
function sayServerIsGone(labels) {
  for (const dialog of document.querySelectorAll('section[role="dialog"]')) {
    const text = [...dialog.querySelectorAll("div")].find((one) =>
      !one.children.length && /^(Streamlit server is not responding|Connection timed out)/.test(one.textContent));
    if (!text) continue;
    dialog.querySelector("h2").textContent = labels.server_gone;
    dialog.querySelector("button")?.setAttribute("aria-label", labels.close);
    text.textContent = labels.start_server;
  }
}

// What Streamlit writes at files: found by its own words, so that nothing else is touched.
function localizeUploads(labels) {
  const texts = [
    ['[data-testid="stFileUploaderDropzone"] button p', /^Upload$/, labels.upload],
    ['[data-testid="stFileUploaderDropzoneInstructions"] span', /^([\d.]+)MB per file$/, labels.per_file],
    ['[data-testid="stChatInput"] div', /^Drag and drop .+ here$/, labels.drop],
    ['[data-testid="stChatInput"] *, [data-testid="stFileUploader"] *', /^(?:Error: )?File must be ([\d.]+)MB or smaller\.$/, labels.too_large],
    ['[data-testid="stChatInput"] *, [data-testid="stFileUploader"] *', /^(?:Error: )?AxiosError: ()/, labels.not_sent],
  ];
  for (const [selector, english, label] of texts) {
    for (const node of document.querySelectorAll(selector)) {
      const found = !node.children.length && english.exec(node.textContent);
      if (found) node.textContent = label.replace("{size}", () => String(Number(found[1])));
    }
  }
}

// Where Streamlit writes and names in words of its own. The text is changed where it is: React goes on
// to write into the same node.
function localizeWords(words) {
  for (const node of document.querySelectorAll('button[aria-label], section[aria-label], kbd[aria-label], span[aria-label], [role="progressbar"][aria-label]')) {
    const label = words[node.getAttribute("aria-label")];
    if (label) node.setAttribute("aria-label", label);
  }
  for (const node of document.querySelectorAll('[data-testid="stFileChip"][title]')) {
    if (words[node.title]) node.title = words[node.title];
  }
  for (const node of document.querySelectorAll("input[placeholder]")) {
    if (words[node.placeholder]) node.placeholder = words[node.placeholder];
  }
  for (const node of document.querySelectorAll('[data-testid="InputInstructions"] span, [data-testid="stSkipToContent"], [data-testid="stTooltipContent"] p, [role="listbox"] *, section[role="dialog"] h2, section[role="dialog"] div')) {
    const text = node.firstChild;
    if (text?.nodeType === Node.TEXT_NODE && words[text.nodeValue]) text.nodeValue = words[text.nodeValue];
  }
}

// Streamlit names its own buttons in English alone, on every page of ours.
function localizeFrame({ labels, frame, lang }) {
  if (lang !== "en") localizeWords(frame);
  sayServerIsGone(labels);
  localizeUploads(labels);
  document.querySelector('[data-testid="stChatInputSubmitButton"]')?.setAttribute("aria-label", labels.send);
  const renamed = { "Help for ": labels.help, "Remove ": labels.remove_file, "Cancel upload of ": labels.remove_file };
  for (const [english, label] of Object.entries(renamed)) {
    for (const button of document.querySelectorAll(`button[aria-label^="${english}"]`)) {
      button.setAttribute("aria-label", label.replace("{name}", button.getAttribute("aria-label").slice(english.length)));
    }
  }
  for (const add of document.querySelectorAll('button[aria-label="Add files"], button[aria-label="Upload files"], [aria-label="file upload"], [data-testid="stChatInputFileUploadButton"] button')) {
    add.setAttribute("aria-label", labels.add_files);
  }
}
