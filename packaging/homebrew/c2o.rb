# Homebrew formula.  At a release: put its sdist's url and sha256 here, then let Homebrew list what c2o depends on, with
# their digests:  brew update-python-resources c2o
# (https://docs.brew.sh/Python-for-Formula-Authors#python-resources); it replaces the marked lines below.
class C2o < Formula
  include Language::Python::Virtualenv

  desc "Claude Code on any OpenAI-compatible model"
  homepage "https://pypi.org/project/c2o/"
  license "Apache-2.0"
  head "https://pypi.org/project/c2o/", using: :git

  stable do
    url "https://files.pythonhosted.org/packages/source/c/c2o/c2o-0.1.0.tar.gz"
    sha256 "0" * 64 # the sdist's
  end

  depends_on "rust" => :build # for packages without a wheel
  depends_on "python@3.13"

  # resources: written by `brew update-python-resources c2o`

  def install
    virtualenv_install_with_resources
    bash_completion.install "completions/c2o.bash" => "c2o"
    zsh_completion.install "completions/_c2o"
    fish_completion.install "completions/c2o.fish"
  end

  # Also without `brew services`: c2o service install.
  service do
    run [opt_libexec/"bin/python", "-P", "-m", "c2o.proxy"]
    environment_variables C2O_MANAGER: "launchd"
    keep_alive successful_exit: false
    process_type :interactive
    log_path var/"log/c2o.log"
    error_log_path var/"log/c2o.log"
  end

  test do
    assert_match "c2o.demo/1", shell_output("#{bin}/c2o demo --json")
  end
end
