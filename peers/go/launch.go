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
	command string // for error messages
}

// runners maps an extension to the program that runs such scripts, used without WithExecutable.
var runners = map[string]func() []string{
	".js": runNode, ".mjs": runNode, ".cjs": runNode,
	".ts": runTypeScript, ".mts": runTypeScript, ".cts": runTypeScript,
	".py": func() []string { return []string{"python3"} },
	".go": func() []string { return []string{"go", "run"} },
}

func runNode() []string { return []string{"node"} }

// runTypeScript prefers tsx. Without it, node strips types itself since 22.18.
func runTypeScript() []string {
	if _, err := exec.LookPath("tsx"); err == nil {
		return []string{"tsx"}
	}
	return []string{"node"}
}

// planLaunch checks everything before it starts a process. The error is a *SpawnError.
func planLaunch(script string, config parentConfig) (*launchPlan, error) {
	dir, err := filepath.Abs(config.dir)
	if err != nil {
		return nil, spawnRefused(CodeSpawnFailed, script, "the working directory cannot be found: %v", err)
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil, spawnRefused(CodeSpawnFailed, script, "the working directory %s does not exist: check WithDir", dir)
	}
	words := append([]string{}, config.executable...)
	if len(words) <= 1 { // with leading arguments, the script need not be a file
		if !filepath.IsAbs(script) {
			script = filepath.Join(dir, script)
		}
		if _, err := os.Stat(script); err != nil {
			return nil, spawnRefused(CodeScriptNotFound, script, "there is no worker script at %s; a relative path starts from %s", script, dir)
		}
	}
	extension := strings.ToLower(filepath.Ext(script))
	if runner := runners[extension]; runner != nil && len(words) == 0 {
		words = runner()
	}
	words = append(append(words, script), config.args...)
	program, err := exec.LookPath(words[0])
	if err != nil {
		refused := spawnRefused(CodeProgramNotFound, strings.Join(words, " "), "the program %s, which runs %s, cannot be started: %v; "+
			"install it, add its folder to PATH, or name another with WithExecutable", words[0], script, err)
		refused.Err = err
		return nil, refused
	}
	plan := &launchPlan{program: program, args: words[1:], dir: dir, env: config.env, command: strings.Join(words, " ")}
	if extension == ".py" {
		// By default, Python buffers what it prints to a pipe until it has 8 KiB.
		plan.env = append([]string{"PYTHONUNBUFFERED=1"}, plan.env...)
	}
	return plan, nil
}

func spawnRefused(code, command, format string, args ...any) *SpawnError {
	return &SpawnError{Code: code, Message: fmt.Sprintf(format, args...), Exit: Exit{ExitCode: -1, Command: command}}
}
