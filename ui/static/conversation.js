// One conversation on the page: its turns, and the one that is being answered as it grows.
// Text of pages and models reaches the document as text alone: elements are made of known names
// (`TAGS`, `MATH_TAGS`), links lead to sources, nothing is ever parsed as HTML.

const TAGS = new Set(
  ("p strong em s ul ol li h3 h4 h5 blockquote table thead tbody tr th td pre code br hr span")
    .split(" "));
const MATH_TAGS = new Set(
  ("math mrow mi mn mo ms mtext mspace msup msub msubsup mfrac msqrt mroot munder mover munderover " +
   "mtable mtr mtd mstyle mpadded mphantom menclose").split(" "));
const MATH_NS = "http://www.w3.org/1998/Math/MathML";
const RETRY_MS = [300, 1000, 2000, 5000];
const ICONS = { search: "⌕", read: "✓", skipped: "–", chosen: "❝" };
const DOUBLE_CLICK_MS = 500;
const FOCUS_MS = 2000; // the line may be drawn after the conversation
const SPAN_WORDS = 6; // of each end of a passage's sentence in a link to its place on the page

const views = new WeakMap();

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  let view = views.get(parentElement);
  if (!view) {
    view = new ConversationView(parentElement);
    views.set(parentElement, view);
  }
  view.act = (action) => setTriggerValue("action", action);
  view.update(data);
  return () => view.close();
}

// Drawn, since the emoji is an empty box where no font has it.
function thumbPicture() {
  const space = "http://www.w3.org/2000/svg";
  const picture = document.createElementNS(space, "svg");
  picture.setAttribute("viewBox", "0 0 24 24");
  picture.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", "M3 10.5h3.5v10H3zM9 20.5h8.6c.9 0 1.7-.6 1.9-1.5l1.4-6.6c.3-1.3-.6-2.4-1.9-2.4h-5.3l.8-4.3"
    + "c.2-1.2-.6-2.2-1.8-2.2L9 10.2z");
  picture.append(path);
  return picture;
}

function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) {
      node.setAttribute(name, value === true ? "" : value);
    }
  }
  node.append(...children.filter((child) => child !== null && child !== ""));
  return node;
}

// The nodes that ui/markup/markup_tree.py describes, as elements.
function build(nodes, turn) {
  return nodes.map((node) => (typeof node === "string" ? node : element(node, turn)));
}

function element([tag, given, ...children], turn) {
  const attributes = given || {};
  if (tag.startsWith("m:")) return formula(tag.slice(2), attributes, children);
  const inside = build(children, turn);
  switch (tag) {
    case "cite": return turn.citeButton(attributes.n);
    case "link": return turn.sourceLink(attributes.n, inside);
    case "sentence": return turn.sentence(attributes.s, inside);
    case "end": return turn.sentence(attributes.s, []);
    case "pre": return codeBlock(attributes.language, inside, turn.labels);
    case "table": return make("div", { class: "qz-table", tabindex: "0" }, make("table", {}, ...inside));
    default:
  }
  if (!TAGS.has(tag)) return make("span", {}, ...inside);
  const shown = make(tag, {}, ...inside);
  if (attributes.start) shown.setAttribute("start", Number(attributes.start));
  if (["left", "right", "center"].includes(attributes.align)) shown.style.textAlign = attributes.align;
  if (attributes.class) shown.className = `qz-code-${attributes.class}`;
  return shown;
}

function formula(tag, attributes, children) {
  const node = document.createElementNS(MATH_NS, MATH_TAGS.has(tag) ? tag : "mrow");
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "alt") {
      node.setAttribute("alttext", value);
      node.setAttribute("title", value);
    } else {
      node.setAttribute(name, value);
    }
  }
  node.append(...children.map((child) =>
    typeof child === "string" ? child : formula(child[0].replace(/^m:/, ""), child[1] || {}, child.slice(2))));
  return node;
}

function codeBlock(language, inside, labels) {
  const code = make("code", {}, ...inside);
  const copy = make("button", { type: "button", class: "qz-quiet qz-copy-code", "aria-label": labels.copy_code }, labels.copy);
  copy.addEventListener("click", () => copyText(code.textContent, copy, labels));
  return make("div", { class: "qz-code", "data-language": language || null }, make("pre", { tabindex: "0" }, code), copy);
}

async function copyText(text, button, labels) {
  const before = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = `✓ ${labels.copied}`;
  } catch {
    button.textContent = labels.not_copied;
  }
  setTimeout(() => { button.textContent = before; }, 1500);
}

// Where on the page a passage's sentence stands: browsers scroll to it and mark it.
function textFragment(sentence) {
  // "\|" in the row of a table is a bar of the cell's own, which is on the page as well.
  const plain = sentence.replace(/\\\||[\s*_`#|>]+/g, (mark) => (mark === "\\|" ? "|" : " ")).trim();
  if (!plain) return "";
  const words = plain.split(" ");
  const code = (text) => encodeURIComponent(text).replace(/-/g, "%2D");
  if (words.length > 2 * SPAN_WORDS) {
    return `#:~:text=${code(words.slice(0, SPAN_WORDS).join(" "))},${code(words.slice(-SPAN_WORDS).join(" "))}`;
  }
  return plain.length > 60 ? `#:~:text=${code(plain.slice(0, 20))},${code(plain.slice(-20))}` : `#:~:text=${code(plain)}`;
}

class TurnView {
  constructor(conversation, key) {
    this.conversation = conversation;
    this.key = key;
    this.fields = {};
    this.seconds = 0;
    this.begun = performance.now();
    this.place = {};
    const place = this.place;
    place.question = make("div", { class: "qz-question", dir: "auto" });
    place.clock = make("span", { class: "qz-clock" });
    place.status = make("span", { class: "qz-status-text" });
    place.steps = make("ul", { class: "qz-steps" });
    place.progress = make("details", { class: "qz-progress" },
      make("summary", {}, place.status, place.clock), place.steps);
    place.notices = make("div", { class: "qz-notices" });
    place.reasoningLabel = make("summary", {});
    place.reasoning = make("div", { class: "qz-reasoning-text" });
    place.fold = make("details", { class: "qz-reasoning" }, place.reasoningLabel, place.reasoning);
    place.kind = make("div", { class: "qz-kind" });
    place.evidence = make("div", { class: "qz-evidence" });
    place.answer = make("div", { class: "qz-answer", dir: "auto" });
    place.trust = make("p", { class: "qz-trust" });
    place.sources = make("div", { class: "qz-sources" });
    place.failure = make("div", { class: "qz-failure", role: "alert" });
    place.actions = make("div", { class: "qz-actions" });
    place.next = make("div", { class: "qz-next" });
    this.element = make("section", { class: "qz-turn", "data-turn": key },
      place.question,
      make("div", { class: "qz-reply" }, place.progress, place.notices, place.fold, place.kind,
        place.evidence, place.answer, place.trust, place.failure, place.sources, place.actions, place.next));
    this.parts = { part: [], reasoning: [] };
  }

  get labels() { return this.conversation.data.labels; }
  get isLive() { return ["waiting", "running"].includes(this.fields.state); }

  apply(set, seconds) {
    for (const [name, value] of Object.entries(set)) {
      if (value === null) delete this.fields[name]; else this.fields[name] = value;
    }
    this.seconds = seconds;
    this.begun = performance.now();
    // Cards and signs need these before the text that points to them.
    const verdicts = Object.keys(set).filter((name) => name.startsWith("s."));
    for (const name of Object.keys(set)) this.draw(name);
    for (const name of verdicts) this.markSentence(Number(name.slice(2)));
    this.drawState();
  }

  draw(name) {
    const { place, fields, labels } = this;
    const [family, index] = name.split(".");
    const value = fields[name];
    switch (family) {
      case "question": case "collections": this.drawQuestion(); break;
      case "status": place.status.textContent = value; this.conversation.announce(value); break;
      case "steps":
        place.steps.replaceChildren(...(value || []).map((step) => make("li", { class: `qz-step-${step.icon}` },
          make("span", { class: "qz-icon", "aria-hidden": "true" }, ICONS[step.icon]),
          make("span", {}, step.name), step.detail ? make("span", { class: "qz-quiet" }, ` · ${step.detail}`) : "")));
        break;
      case "notices":
        place.notices.replaceChildren(...(value || []).map((text) => make("p", {}, text)));
        break;
      case "kind": place.kind.textContent = value || ""; break;
      case "trust": this.drawTrust(); break;
      case "failure":
        place.failure.replaceChildren(...(value
          ? [make("strong", {}, value.message), value.hint ? make("p", {}, value.hint) : "",
            value.detail ? make("p", { class: "qz-quiet qz-detail" }, value.detail) : ""] : []).filter(Boolean));
        break;
      case "sources": this.drawSources(); break;
      case "feedback": this.drawFeedback(); break;
      case "follow_ups":
        place.next.replaceChildren(...(value || []).map((question) => {
          const made = make("button", { type: "button" }, question);
          made.addEventListener("click", () => this.conversation.send({ kind: "ask", question }));
          return made;
        }));
        break;
      case "evidence": this.drawEvidence(); break;
      case "part": this.drawPart("part", place.answer, Number(index), value); break;
      case "reasoning": this.drawPart("reasoning", place.reasoning, Number(index), value); break;
      default:
    }
    place.reasoningLabel.textContent = labels.reasoning;
  }

  drawPart(family, parent, index, nodes) {
    const parts = this.parts[family];
    if (!nodes) {
      for (const gone of parts.splice(index)) gone?.remove();
      return;
    }
    const part = make("div", { class: "qz-part" }, ...build(nodes, this));
    if (parts[index]) parts[index].replaceWith(part); else parent.append(part);
    parts[index] = part;
  }

  drawQuestion() {
    const { place, fields, labels } = this;
    const text = make("div", { class: "qz-question-text" }, fields.question);
    const names = (fields.collections || []).map((name) => make("span", { class: "qz-file" }, name));
    place.question.replaceChildren(text, ...(names.length
      ? [make("div", { class: "qz-files", role: "group", "aria-label": labels.from_collections }, ...names)] : []));
    // Measured when it is in the document.
    requestAnimationFrame(() => {
      if (text.scrollHeight <= text.clientHeight + 2) return;
      const more = make("button", { type: "button", class: "qz-quiet qz-more", "aria-expanded": "false" }, labels.more);
      more.addEventListener("click", () => {
        const open = text.classList.toggle("qz-open");
        more.textContent = open ? labels.less : labels.more;
        more.setAttribute("aria-expanded", String(open));
      });
      place.question.append(more);
    });
  }

  drawEvidence() {
    const value = this.fields.evidence;
    this.place.evidence.replaceChildren(...(value ? [make("p", {}, value.label),
      make("ul", {}, ...value.blocks.map(([text, n]) => make("li", { dir: "auto" }, text, " ", this.citeButton(n))))] : []));
  }

  // With the legend of a sign that this answer has; the other one is in the note itself.
  drawTrust() {
    const { place, fields, labels } = this;
    const isMoved = Object.keys(fields).some((name) => name.startsWith("s.") && fields[name][0] === "re_attached");
    place.trust.replaceChildren(fields.trust || "", ...(fields.trust && isMoved
      ? [make("span", { class: "qz-legend" }, make("span", { class: "qz-moved", "aria-hidden": "true" }), ` ${labels.re_attached}`)] : []));
  }

  drawSources() {
    const value = this.fields.sources;
    if (!value) { this.place.sources.replaceChildren(); return; }
    this.place.sources.replaceChildren(make("strong", {}, value.label), make("ol", {}, ...value.lines.map((line) =>
      make("li", {}, this.citeButton(line.n), " ",
        line.url ? make("a", { href: line.url, target: "_blank", rel: "noopener noreferrer" }, line.title) : make("span", {}, line.title),
        line.heading && line.heading !== line.title ? make("span", { class: "qz-quiet" }, ` › ${line.heading}`) : "",
        make("span", { class: "qz-quiet" }, ` · ${line.detail} · ${line.fetched}`)))));
  }

  drawState() {
    const { place, fields, labels } = this;
    this.element.dataset.state = fields.state;
    place.progress.dataset.state = fields.state;
    place.answer.setAttribute("aria-busy", String(this.isLive));
    place.fold.hidden = this.parts.reasoning.length === 0;
    for (const name of ["notices", "kind", "evidence", "trust", "sources", "failure"]) {
      place[name].hidden = !place[name].textContent;
    }
    this.tick();
    const wanted = this.isLive ? "live" : `${fields.state}/${labels.copy}`;
    if (place.actions.dataset.kind === wanted) return;
    place.actions.dataset.kind = wanted;
    place.actions.replaceChildren(...(this.isLive ? [] : this.actionButtons()));
    if (!this.isLive) this.drawFeedback();
    if (!this.isLive) this.conversation.announce(labels.answer_ready);
  }

  actionButtons() {
    const { labels, fields } = this;
    const n = Number(this.key.split("-")[0]);
    const button = (text, act) => {
      const made = make("button", { type: "button", class: "qz-quiet" }, text);
      made.addEventListener("click", () => act(made));
      return made;
    };
    const send = (action) => this.conversation.send({ ...action, turn: n });
    const isCut = fields.state !== "done" && this.parts.part.length > 0;
    return [
      isCut ? button(labels.go_on, () => this.conversation.send({ kind: "ask", question: labels.go_on_question })) : "",
      button(labels.copy, (made) => copyText(this.plainText(), made, labels)),
      fields.sources ? button(labels.copy_sources, (made) => copyText(this.plainText(true), made, labels)) : "",
      // Of a private conversation nothing is kept: a judgement would go nowhere.
      this.conversation.data.private ? "" : make("span", { class: "qz-thumbs" }, ...this.thumbs(send)),
      button(labels.again, () => send({ kind: "again" })),
      button(fields.web ? labels.again_index : labels.again_web, () => send({ kind: "again", web: !fields.web })),
      fields.web ? button(labels.again_fresh, () => send({ kind: "again", fresh: true })) : "",
      fields.explained ? button(labels.why, (made) => this.explain(n, made)) : "",
      button(labels.edit, () => this.edit(send)),
    ].filter(Boolean);
  }

  // What `assistant explain` says: sections, their lines indented.
  async explain(n, button) {
    if (this.explanation) {
      this.explanation.remove();
      this.explanation = null;
      button.setAttribute("aria-expanded", "false");
      return;
    }
    const { id, lang, base } = this.conversation.data;
    const shown = make("div", { class: "qz-why", role: "region", "aria-label": this.labels.why, tabindex: "0" });
    this.explanation = shown;
    this.place.actions.after(shown);
    button.setAttribute("aria-expanded", "true");
    const reply = await fetch(`${base}/conversations/${encodeURIComponent(id)}/turns/${n}/explanation?lang=${lang}`);
    const { lines } = reply.ok ? await reply.json() : { lines: [await reply.text()] };
    shown.replaceChildren(...lines.filter(Boolean).map((line) => line.startsWith("  ")
      ? make("div", { class: "qz-why-line", dir: "auto", style: `padding-left: ${(line.length - line.trimStart().length) / 2}em` }, line.trim())
      : make("h5", {}, line)));
    shown.scrollIntoView({ block: "nearest" });
  }

  thumbs(send) {
    const { labels } = this;
    const thumb = (rating, label, act) => {
      const made = make("button", { type: "button", class: "qz-quiet qz-thumb", "data-rating": rating,
        "aria-label": label, title: label }, thumbPicture());
      made.addEventListener("click", act);
      return made;
    };
    return [thumb("up", labels.good, () => { this.closeForm(); send({ kind: "feedback", rating: "up" }); }),
      thumb("down", labels.bad, () => this.askWhatIsWrong(send))];
  }

  drawFeedback() {
    const rating = this.fields.feedback?.rating;
    for (const thumb of this.place.actions.querySelectorAll(".qz-thumb")) {
      thumb.setAttribute("aria-pressed", String(thumb.dataset.rating === rating));
    }
  }

  closeForm() { this.form?.remove(); this.form = null; }

  askWhatIsWrong(send) {
    if (this.form) { this.closeForm(); return; }
    const { labels, fields } = this;
    const tags = ["wrong", "unsupported", "incomplete", "off_topic", "outdated", "language"];
    const boxes = tags.map((tag) => {
      const box = make("input", { type: "checkbox", value: tag });
      box.checked = fields.feedback?.reasons.includes(tag) || false;
      return make("label", {}, box, ` ${labels[tag === "unsupported" ? "unsupported_tag" : tag]}`);
    });
    const better = make("textarea", { rows: "3", "aria-label": labels.correction, placeholder: labels.correction });
    better.value = fields.feedback?.correction || "";
    better.addEventListener("keydown", (event) => event.stopPropagation());
    const save = make("button", { type: "submit" }, labels.save);
    const leave = make("button", { type: "button", class: "qz-quiet" }, labels.cancel);
    leave.addEventListener("click", () => this.closeForm());
    this.form = make("form", { class: "qz-form", "aria-label": labels.what_is_wrong },
      make("strong", {}, labels.what_is_wrong), make("div", { class: "qz-reasons" }, ...boxes), better,
      make("div", { class: "qz-actions" }, save, leave));
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      const reasons = boxes.map((label) => label.firstChild).filter((box) => box.checked).map((box) => box.value);
      send({ kind: "feedback", rating: "down", reasons, correction: better.value });
      this.form.replaceChildren(make("p", { role: "status" }, labels.thanks));
      this.form = null;
    });
    this.place.actions.after(this.form);
    boxes[0].firstChild.focus();
  }

  edit(send) {
    const { place, fields, labels } = this;
    const line = make("textarea", { rows: "3", maxlength: "4000", "aria-label": labels.edit });
    line.value = fields.question;
    const done = make("button", { type: "button" }, labels.send);
    const leave = make("button", { type: "button", class: "qz-quiet" }, labels.cancel);
    const submit = () => { if (line.value.trim()) send({ kind: "again", question: line.value }); };
    done.addEventListener("click", submit);
    leave.addEventListener("click", () => this.drawQuestion());
    line.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key === "Escape") this.drawQuestion();
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); submit(); }
    });
    place.question.replaceChildren(line, make("div", { class: "qz-actions" }, done, leave));
    line.focus();
  }

  plainText(withSources = false) {
    const said = this.place.answer.innerText.trim() || this.place.evidence.innerText.trim();
    const lines = withSources && this.fields.sources
      ? this.fields.sources.lines.map((line) => `[${line.n}] ${line.title} ${line.url || line.detail}`) : [];
    return [said, ...(lines.length ? ["", ...lines] : [])].join("\n");
  }

  tick() {
    const { place } = this;
    const seconds = this.isLive ? this.seconds + (performance.now() - this.begun) / 1000 : this.seconds;
    const shown = seconds < 9.95 ? seconds.toFixed(1) : String(Math.round(seconds));
    place.clock.textContent = this.fields.state === "waiting" ? "" : ` · ${this.labels.seconds.replace("{shown}", shown)}`;
  }

  sentence(index, inside) {
    const shown = make("span", { class: "qz-sentence", "data-s": index }, ...inside);
    this.styleSentence(shown, index);
    return shown;
  }

  markSentence(index) {
    for (const shown of this.place.answer.querySelectorAll(`[data-s="${index}"]`)) this.styleSentence(shown, index);
  }

  styleSentence(shown, index) {
    const [kind] = this.fields[`s.${index}`] || ["no_claim"];
    shown.dataset.verdict = kind;
    shown.querySelector(":scope > .qz-sign")?.remove();
    if (!["unsupported", "re_attached"].includes(kind)) return;
    // What is drawn for a number that was put right is no text: it is not copied.
    const [sign, more] = kind === "unsupported" ? [this.labels.sign, ""] : ["", " qz-moved"];
    shown.append(make("span", { class: `qz-sign${more}`, role: "note", title: this.labels[kind],
      "aria-label": this.labels[kind] }, sign));
  }

  sourceLink(n, inside) {
    const card = this.passage(n);
    if (!card || !card.url) return make("span", {}, ...inside);
    return make("a", { href: card.url, target: "_blank", rel: "noopener noreferrer", title: card.url }, ...inside);
  }

  passage(n) { return (this.fields.passages || []).find((card) => card.n === n); }

  citeButton(n) {
    const button = make("button", { type: "button", class: "qz-cite", "aria-haspopup": "dialog",
      "aria-label": this.labels.source_number.replace("{number}", n) }, `[${n}]`);
    button.addEventListener("click", () => this.conversation.card.open(button, this, n));
    return button;
  }

  // The ranges of a passage that are marked: the sentence that supports, else the evidence.
  marks(n, button) {
    const index = button.closest("[data-s]")?.dataset.s;
    const [, passage, start, end] = this.fields[`s.${index}`] || [];
    if (passage === n && end > start) return [[start, end]];
    return [...(this.passage(n)?.evidence || [])].sort((a, b) => a[0] - b[0]);
  }
}

// The lines of a passage with its ranges marked; a heading is drawn as one, without its signs.
function passageLines(characters, ranges) {
  const lines = [];
  const shown = (from, to) => characters.slice(from, to).join("").replaceAll("\\|", "|");
  for (let start = 0; start < characters.length;) {
    const found = characters.indexOf("\n", start);
    const end = found < 0 ? characters.length : found + 1;
    const sign = /^#{1,6} +/.exec(characters.slice(start, Math.min(end, start + 12)).join(""));
    const line = make(sign ? "strong" : "span");
    let at = start + (sign ? sign[0].length : 0);
    for (const [from, to] of ranges) {
      const [first, last] = [Math.max(from, at), Math.min(to, end)];
      if (first >= last) continue;
      line.append(shown(at, first), make("mark", {}, shown(first, last)));
      at = last;
    }
    line.append(shown(at, end));
    lines.push(line);
    start = end;
  }
  return lines;
}

// What stands at [n]: the passage, with the words that matter marked.
class PassageCard {
  constructor(root) {
    this.element = make("div", { class: "qz-card", popover: "auto", role: "dialog" });
    root.append(this.element);
  }

  open(button, turn, n) {
    const card = turn.passage(n);
    if (!card) return;
    // Offsets count characters, as Python does; a string of JavaScript counts UTF-16 units.
    const characters = Array.from(card.text);
    const text = make("div", { class: "qz-card-text", dir: "auto", tabindex: "0" });
    const ranges = turn.marks(n, button);
    text.append(...passageLines(characters, ranges));
    const marked = ranges.length ? characters.slice(ranges[0][0], ranges[0][1]).join("") : "";
    const title = card.url
      ? make("a", { href: card.url + (card.url.includes("#") ? "" : textFragment(marked)), target: "_blank", rel: "noopener noreferrer" }, card.title)
      : make("strong", {}, card.title);
    const close = make("button", { type: "button", class: "qz-quiet qz-close", "aria-label": turn.labels.close }, "×");
    close.addEventListener("click", () => this.element.hidePopover());
    this.element.setAttribute("aria-label", card.title);
    this.element.replaceChildren(close,
      make("div", { class: "qz-card-title" }, `[${n}] `, title),
      make("div", { class: "qz-quiet" }, `${card.detail} · ${card.fetched}`),
      card.heading ? make("div", { class: "qz-card-heading" }, card.heading) : "", text);
    this.element.showPopover();
    const at_ = button.getBoundingClientRect();
    const box = this.element.getBoundingClientRect();
    const below = at_.bottom + 6;
    const top = below + box.height < window.innerHeight ? below : Math.max(8, at_.top - box.height - 6);
    this.element.style.top = `${top}px`;
    this.element.style.left = `${Math.max(8, Math.min(at_.left - 24, window.innerWidth - box.width - 8))}px`;
    text.querySelector("mark")?.scrollIntoView({ block: "nearest" });
    this.element.addEventListener("toggle", (event) => {
      if (event.newState === "closed" && button.isConnected) button.focus({ preventScroll: true });
    }, { once: true });
  }
}

class ConversationView {
  constructor(parent) {
    this.turns = new Map();
    this.list = make("div", { class: "qz-conversation", role: "region" });
    this.live = make("div", { class: "qz-live", role: "status", "aria-live": "polite" });
    this.stopButton = make("button", { type: "button", class: "qz-stop" });
    this.stopButton.addEventListener("click", () => this.stop());
    this.stopButton.hidden = true;
    this.lineNote = make("div", { class: "qz-line-note", role: "status" });
    this.lineNote.hidden = true;
    parent.append(this.list, this.live, this.stopButton, this.lineNote);
    this.card = new PassageCard(parent);
    this.parent = parent;
    this.follows = "";
    this.onKey = (event) => { if (event.key === "Escape" && !event.isComposing && !this.stopButton.hidden && !document.querySelector(":popover-open")) this.stop(); };
    this.onVisible = () => { if (!document.hidden) this.connect(); };
    // Who scrolls decides: to the end, and the page goes along with it; elsewhere, and it stays.
    this.onWheel = () => { this.follows = this.isAtEnd() ? "end" : ""; };
    this.onPaste = (event) => this.refuseLongPaste(event);
    this.onInput = () => { this.lineNote.hidden = true; };
    document.addEventListener("keydown", this.onKey);
    document.addEventListener("visibilitychange", this.onVisible);
    document.addEventListener("paste", this.onPaste, true);
    document.addEventListener("input", this.onInput);
    this.channel = new BroadcastChannel("qiuzheng");
    this.channel.onmessage = (message) => { if (message.data === this.data?.id) this.connect(); };
    this.clock = setInterval(() => this.tick(), 100);
  }

  close() {
    this.aborter?.abort();
    clearInterval(this.clock);
    this.channel.close();
    document.removeEventListener("keydown", this.onKey);
    document.removeEventListener("visibilitychange", this.onVisible);
    document.removeEventListener("paste", this.onPaste, true);
    document.removeEventListener("input", this.onInput);
    this.scroller?.removeEventListener("wheel", this.onWheel);
    this.scroller?.removeEventListener("touchmove", this.onWheel);
    views.delete(this.parent);
    this.parent.replaceChildren();
  }

  // Streamlit's container that scrolls.
  get scroller() {
    if (!this.foundScroller) {
      this.foundScroller = document.querySelector('[data-testid="stMain"]');
      this.foundScroller?.addEventListener("wheel", this.onWheel, { passive: true });
      this.foundScroller?.addEventListener("touchmove", this.onWheel, { passive: true });
    }
    return this.foundScroller;
  }

  update(data) {
    const before = this.data;
    this.data = data;
    document.documentElement.lang = data.lang === "zh" ? "zh-CN" : data.lang;
    this.stopButton.textContent = `■ ${data.labels.stop}`;
    this.list.setAttribute("aria-label", data.labels.conversation);
    if (before && (before.id !== data.id || before.lang !== data.lang)) {
      this.aborter?.abort();
      this.aborter = null;
      for (const turn of this.turns.values()) turn.element.remove();
      this.turns.clear();
    }
    if (!before) this.focusLine();
    if (!before || before.id !== data.id || before.lang !== data.lang || before.revision !== data.revision) {
      this.connect();
      if (before && before.id === data.id) this.channel.postMessage(data.id);
    }
  }

  // Whoever opens the page can type at once; on a touch screen a keyboard would come up and cover it.
  async focusLine() {
    if (!matchMedia("(hover: hover)").matches) return;
    for (let waited = 0; waited < FOCUS_MS && document.activeElement === document.body; waited += 100) {
      document.querySelector('[data-testid="stChatInputTextArea"]')?.focus({ preventScroll: true });
      await new Promise((done) => setTimeout(done, 100));
    }
  }

  // A double click is one press.
  send(action) {
    const now = performance.now(), press = JSON.stringify(action);
    if (press === this.sent && now - this.sentAt < DOUBLE_CLICK_MS) return;
    [this.sent, this.sentAt] = [press, now];
    this.act({ ...action, at: Date.now() });
  }

  stop() {
    this.stopping = true;
    this.showStop();
    this.send({ kind: "stop" });
  }

  announce(text) { this.live.textContent = text; }

  tick() {
    let live = false;
    for (const turn of this.turns.values()) {
      if (turn.isLive) { live = true; turn.tick(); }
    }
    if (live) this.placeStop();
    this.showStop();
  }

  // For any turn that is being answered: thumbs on an older one change nothing about it.
  showStop() {
    const live = [...this.turns.values()].some((turn) => turn.isLive);
    if (!live) this.stopping = false;
    this.stopButton.hidden = !live || this.stopping;
  }

  // Streamlit's line drops a paste that makes the question too long, and says nothing; the line of an
  // edited question would cut it.
  refuseLongPaste(event) {
    const line = event.target;
    if (!line.matches?.('[data-testid="stChatInputTextArea"], .qz-question textarea')) return;
    // A line end is one sign in the line, and two in what Windows copies.
    const pasted = (event.clipboardData?.getData("text/plain") || "").replace(/\r\n?/g, "\n").length;
    const count = line.value.length - (line.selectionEnd - line.selectionStart) + pasted;
    const { longest, labels } = this.data;
    if (count <= longest) return;
    event.preventDefault();
    event.stopPropagation();
    const counts = { count, longest };
    this.lineNote.textContent = labels.too_long.replace(/\{(\w+)\}/g, (_, name) => counts[name].toLocaleString(this.data.lang));
    this.lineNote.hidden = false;
    const list = this.list.getBoundingClientRect();
    Object.assign(this.lineNote.style, { bottom: `${window.innerHeight - this.visibleBottom() + 4}px`,
      left: `${list.left}px`, width: `${list.width}px` });
  }

  // Above the line where questions are typed, wherever that is.
  placeStop() {
    const list = this.list.getBoundingClientRect();
    this.stopButton.style.bottom = `${window.innerHeight - this.visibleBottom() + 4}px`;
    this.stopButton.style.left = `${list.left + list.width / 2 - this.stopButton.offsetWidth / 2}px`;
  }

  // One reader at a time; another call means that there is more to read.
  async connect() {
    this.again = true;
    if (this.reading) return;
    this.reading = true;
    let failures = 0;
    while (this.again && this.parent.isConnected) {
      this.again = false;
      try {
        await this.read();
        failures = 0;
      } catch (error) {
        if (error.name === "AbortError") { this.again = true; continue; }
        await new Promise((done) => setTimeout(done, RETRY_MS[Math.min(failures++, RETRY_MS.length - 1)]));
        this.again = !document.hidden;
      }
    }
    this.reading = false;
  }

  async read() {
    const { id, lang, base } = this.data;
    this.aborter = new AbortController();
    const have = [...this.turns].filter(([, turn]) => !turn.isLive && turn.fields.state).map(([key, turn]) => `${key}.${turn.revision}`);
    const query = new URLSearchParams({ lang, have: have.join(",") });
    const reply = await fetch(`${base}/conversations/${encodeURIComponent(id)}?${query}`, { signal: this.aborter.signal });
    if (!reply.ok) throw new Error(String(reply.status));
    const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "", ended = false;
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      const lines = (rest + value).split("\n");
      rest = lines.pop();
      for (const line of lines) {
        if (!line) continue;
        const news = JSON.parse(line);
        if (news.order) { this.order(news.order); ended = !news.live; } else this.apply(news);
      }
    }
    if (!ended) throw new Error("cut");
  }

  order(keys) {
    for (const [key, turn] of this.turns) {
      if (!keys.includes(key)) { turn.element.remove(); this.turns.delete(key); }
    }
    for (const key of keys) {
      if (this.turns.has(key)) continue;
      const turn = new TurnView(this, key);
      this.turns.set(key, turn);
      this.list.append(turn.element);
    }
    [...this.turns.values()].forEach((turn, at, all) => turn.element.classList.toggle("qz-last", at === all.length - 1));
  }

  apply({ turn: key, revision, seconds, set }) {
    const turn = this.turns.get(key);
    if (!turn) return;
    const isNew = !turn.fields.state;
    turn.revision = revision;
    turn.apply(set, seconds);
    this.showStop();
    if (isNew && turn.element.classList.contains("qz-last")) {
      // The question to the top of the window, the answer grows under it; the last turn is as high
      // as the window, or there would be nothing to scroll.
      requestAnimationFrame(() => this.showQuestion(turn));
      this.follows = "start";
    } else if (turn.isLive && this.follows) {
      requestAnimationFrame(() => this.follow(turn));
    }
  }

  visibleBottom() {
    const input = document.querySelector('[data-testid="stBottom"]');
    return input ? input.getBoundingClientRect().top : window.innerHeight;
  }

  headerBottom() {
    return document.querySelector('[data-testid="stHeader"]')?.getBoundingClientRect().bottom || 0;
  }

  showQuestion(turn) {
    const { scroller } = this;
    if (!scroller) return;
    const header = this.headerBottom();
    const room = this.visibleBottom() - header;
    this.list.style.setProperty("--qz-room", `${Math.max(200, room - 16)}px`);
    scroller.scrollTop += turn.element.getBoundingClientRect().top - header - 8;
  }

  isAtEnd() {
    const last = [...this.turns.values()].pop();
    return !last || last.place.actions.getBoundingClientRect().top < this.visibleBottom() + 80;
  }

  // The line that grows stays in sight as long as the answer's first line does: people read from
  // the top. For those who went to the end, it always does.
  follow(turn) {
    if (!this.scroller) return;
    // The stop button lies over the last line's place.
    const over = turn.place.actions.getBoundingClientRect().top - this.visibleBottom() + 48;
    const first = turn.place.evidence.hidden ? turn.place.answer : turn.place.evidence;
    const room = this.follows === "end" ? Infinity : first.getBoundingClientRect().top - this.headerBottom() - 16;
    if (over > 0 && room > 0) this.scroller.scrollTop += Math.min(over, room);
  }
}
