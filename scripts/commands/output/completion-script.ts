import { completionFlag, type Shell } from './completion.ts';

/**
 * The script that makes a shell complete `modelcars`. It asks the program itself for the words (completion.ts), and falls
 * back to file names where the program has none.
 */
export function completionScript(shell: Shell): string {
  return scripts[shell];
}

const scripts: Record<Shell, string> = {
  bash: `# modelcars completion bash >> ~/.bashrc
_modelcars() {
  local IFS=$'\\n'
  local words
  words=$(SHELL=bash modelcars ${completionFlag} "\${COMP_WORDS[@]:0:COMP_CWORD+1}" 2>/dev/null)
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o bashdefault -o default -F _modelcars modelcars
`,
  zsh: `#compdef modelcars
# modelcars completion zsh > "\${fpath[1]}/_modelcars", or: source <(modelcars completion zsh), after compinit
_modelcars() {
  local -a replies
  replies=("\${(@f)$(SHELL=zsh modelcars ${completionFlag} "\${(@)words[1,CURRENT]}" 2>/dev/null)}")
  if [[ -n "$replies[1]" ]]; then
    _describe 'modelcars' replies
  else
    _files
  fi
}
if [[ "$zsh_eval_context[-1]" == loadautofunc ]]; then
  _modelcars "$@"
else
  compdef _modelcars modelcars
fi
`,
  fish: `# modelcars completion fish > ~/.config/fish/completions/modelcars.fish
function __modelcars_complete
    set -lx SHELL fish
    modelcars ${completionFlag} (commandline -opc) (commandline -ct) 2>/dev/null
end
complete -c modelcars -a '(__modelcars_complete)'
`,
};
