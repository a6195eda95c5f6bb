package multifrost

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// launchPlan is a command ready to run.
type launchPlan struct {
	program string
	args    []string
	dir     string
	env     []string
	command string // for a person to read and try
}

// runners run scripts of a kind where no executable is named.
var runners = map[string]func() []string{
	".js": runNode, ".mjs": runNode, ".cjs": runNode,
	".ts": runTypeScript, ".mts": runTypeScript, ".cts": runTypeScript,
	".py": func() []string { return []string{"python3"} },
	".go": func() []string { return []string{"go", "run"} },
}

func runNode() []string { return []string{"node"} }

// runTypeScript prefers tsx; without it, node strips types by itself from 22.18 on.
func runTypeScript() []string {
	if _, err := exec.LookPath("tsx"); err == nil {
		return []string{"tsx"}
	}
	return []string{"node"}
}

// planLaunch says what is missing before anything runs: a *SpawnError.
func planLaunch(script string, config parentConfig) (*launchPlan, error) {
	dir, err := filepath.Abs(config.dir)
	if err != nil {
		return nil, spawnRefused(CodeSpawnFailed, script, "The working directory cannot be found: %v.", err)
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil, spawnRefused(CodeSpawnFailed, script, "The working directory %s does not exist. Check WithDir.", dir)
	}
	words := append([]string{}, config.executable...)
	if len(words) <= 1 { // with leading arguments the script may be something else than a file
		if !filepath.IsAbs(script) {
			script = filepath.Join(dir, script)
		}
		if _, err := os.Stat(script); err != nil {
			return nil, spawnRefused(CodeScriptNotFound, script, "There is no worker script at %s. A relative path starts from %s.", script, dir)
		}
	}
	extension := strings.ToLower(filepath.Ext(script))
	if runner := runners[extension]; runner != nil && len(words) == 0 {
		words = runner()
	}
	words = append(append(words, script), config.args...)
	program, err := exec.LookPath(words[0])
	if err != nil {
		refused := spawnRefused(CodeProgramNotFound, strings.Join(words, " "), "The program %s, which runs %s, cannot be started: %v. "+
			"Install it, add its folder to PATH, or name another with WithExecutable.", words[0], script, err)
		refused.Err = err
		return nil, refused
	}
	plan := &launchPlan{program: program, args: words[1:], dir: dir, env: config.env, command: strings.Join(words, " ")}
	if extension == ".py" {
		// Python holds back what it prints to a pipe, otherwise, until 8 KiB have come together.
		plan.env = append([]string{"PYTHONUNBUFFERED=1"}, plan.env...)
	}
	return plan, nil
}

func spawnRefused(code, command, format string, args ...any) *SpawnError {
	return &SpawnError{Code: code, Message: fmt.Sprintf(format, args...), Exit: Exit{ExitCode: -1, Command: command}}
}
