/**
 * The programs of the pages. They enhance pages that work without them, use only what the page holds, and never write
 * HTML: text of models reaches the page by `textContent` alone.
 */

/**
 * Entries of the index that are shown at once: browsers take long to style thousands of them. More come on request; without
 * JavaScript, the style shows all.
 */
export const mostShown = 200;

/** Search and facets of the index. What is chosen is kept in the address after `#`, so that it can be shared. */
export const browseScript = `
(() => {
  const form = document.querySelector('#browse');
  const query = document.querySelector('#query');
  const status = document.querySelector('#status');
  const none = document.querySelector('#none');
  const more = document.querySelector('#more');
  const most = ${mostShown};
  let limit = most;
  const boxes = [...form.querySelectorAll('input[type=checkbox]')];
  const facets = [...new Set(boxes.map((box) => box.name))];
  const fold = (text) => text.normalize('NFKD').replace(/\\p{M}/gu, '').toLowerCase();
  const models = [...document.querySelectorAll('#models > li')].map((item) => ({
    item,
    text: fold(item.textContent + ' ' + (item.dataset.more || '')),
    values: Object.fromEntries(facets.map((facet) => [facet, item.dataset[facet] || ''])),
  }));
  const counts = boxes.map((box) => box.parentElement.querySelector('span'));

  function show() {
    const words = fold(query.value).split(/\\s+/).filter(Boolean);
    const chosen = Object.fromEntries(
      facets.map((facet) => [facet, boxes.filter((box) => box.name === facet && box.checked).map((box) => box.value)]),
    );
    const fits = (model, facet) => chosen[facet].length === 0 || chosen[facet].includes(model.values[facet]);
    const totals = new Map();
    let shown = 0;
    for (const model of models) {
      const found = words.every((word) => model.text.includes(word));
      const missed = facets.filter((facet) => !fits(model, facet));
      const isFound = found && missed.length === 0;
      if (isFound) shown++;
      const isShown = isFound && shown <= limit;
      if (model.item.hidden === isShown) model.item.hidden = !isShown;
      if (!found || missed.length > 1) continue;
      // A facet's counts say what choosing one more of its values would show.
      for (const facet of missed.length === 1 ? missed : facets) {
        const key = facet + ' ' + model.values[facet];
        totals.set(key, (totals.get(key) || 0) + 1);
      }
    }
    boxes.forEach((box, at) => {
      counts[at].textContent = String(totals.get(box.name + ' ' + box.value) || 0);
    });
    none.hidden = shown > 0;
    more.hidden = shown <= limit;
    more.textContent = 'Show ' + Math.min(most, shown - limit) + ' more';
    const all = models.length + (models.length === 1 ? ' model' : ' models');
    status.textContent = shown === models.length ? all : shown + ' of ' + all;
  }

  function remember() {
    const chosen = new URLSearchParams();
    if (query.value.trim()) chosen.set('q', query.value.trim());
    for (const box of boxes) if (box.checked) chosen.append(box.name, box.value);
    history.replaceState(null, '', '#' + chosen);
  }

  function restore() {
    const chosen = new URLSearchParams(location.hash.slice(1));
    query.value = chosen.get('q') || '';
    for (const box of boxes) box.checked = chosen.getAll(box.name).includes(box.value);
    show();
  }

  form.querySelector('.find').hidden = false;
  const panel = document.querySelector('#facets');
  if (panel) {
    panel.hidden = false;
    form.classList.remove('plain');
    panel.open = !matchMedia('(max-width: 52rem)').matches;
  }
  form.addEventListener('submit', (event) => event.preventDefault());
  form.addEventListener('input', () => { limit = most; show(); remember(); });
  form.addEventListener('reset', () => setTimeout(() => { limit = most; show(); remember(); query.focus(); }));
  more.addEventListener('click', () => {
    const first = models.filter((model) => !model.item.hidden).length;
    limit += most;
    show();
    models.filter((model) => !model.item.hidden)[first].item.querySelector('a').focus();
  });
  addEventListener('hashchange', restore);
  addEventListener('keydown', (event) => {
    const isTyping = /^(?:input|textarea|select)$/i.test(event.target.tagName) && event.target.type !== 'checkbox';
    if (event.key === '/' && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      query.focus();
    }
  });
  restore();
})();
`.trim();

/** A button that copies, at every command of a model's page. */
export const copyScript = `
(() => {
  if (!navigator.clipboard) return;
  for (const block of document.querySelectorAll('.code')) {
    const button = document.createElement('button');
    const text = block.querySelector('code').textContent;
    button.type = 'button';
    button.textContent = 'Copy';
    button.addEventListener('click', async () => {
      try {
        await navigator.clipboard.writeText(text);
        button.textContent = 'Copied';
      } catch {
        button.textContent = 'Not copied';
      }
      setTimeout(() => { button.textContent = 'Copy'; }, 2000);
    });
    block.append(button);
  }
})();
`.trim();
