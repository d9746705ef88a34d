using System.Collections.Concurrent;
using System.Diagnostics;
using static Formation.Inference.Testing.Databases.PostgresUser;

namespace Formation.Inference.Testing.Databases;

/// <summary>A server process of PostgreSQL's, and its folder. The server refuses to run as root; a root that tests lends it the user postgres.</summary>
sealed class PostgresProcess : IDisposable
{
    private const string Missing =
        "PostgreSQL's programs are not on this machine, and stores are tested against the real one: install Debian's package postgresql.";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    // The shell waits for the end of its input, which comes even when the tests are killed, and stops the server that it started itself.
    private const string Keeper =
        """
        "$1/postgres" -D "$2/data" -c listen_addresses="$3" -c port="$4" -c ssl="$5" -c ssl_cert_file="$2/server.pem" -c ssl_key_file="$2/server.key" \
          -c ssl_ca_file="$6" -c unix_socket_directories="$2" -c fsync=off -c full_page_writes=off \
          -c synchronous_commit=off -c max_connections=200 -c shared_buffers=16MB &
        server=$!
        read -r word
        kill -INT $server
        wait $server
        [ "$word" = keep ] || rm -rf "$2"
        """;

    private readonly string _programs = FindPrograms();
    private readonly PostgresCertificate? _certificate;
    private Process? _keeper;

    public PostgresProcess(string user, string password, PostgresCertificate? certificate)
    {
        _certificate = certificate;
        Folder = Run("mktemp", "-d", "/tmp/formation-postgres-XXXXXX").Trim();
        // Texts sort otherwise than by their bytes here, as they do with many operators.
        Run(
            "sh", "-c", "printf %s \"$4\" >\"$2/password\" && exec \"$1/initdb\" -D \"$2/data\" -U \"$3\" --pwfile=\"$2/password\" --auth=scram-sha-256 "
            + "--no-sync --encoding=UTF8 --locale=C.UTF-8 --locale-provider=icu --icu-locale=en-US",
            "sh", _programs, Folder, user, password);
        // Over the network in TLS alone.
        if (certificate is not null)
            Run(
                "sh", "-c", "umask 077 && printf %s \"$2\" >\"$1/server.pem\" && printf %s \"$3\" >\"$1/server.key\" && printf %s \"$4\" >\"$1/root.pem\" "
                + "&& sed -i 's/^host /hostssl /' \"$1/data/pg_hba.conf\"",
                "sh", Folder, certificate.CertificatePem, certificate.KeyPem, certificate.RootPem);
    }

    /// <summary>Holds its data, and its socket.</summary>
    public string Folder { get; }

    /// <summary>Starts it and waits until it answers.</summary>
    public void Start()
    {
        _keeper = Process.Start(Command(
            "sh", "-c", Keeper, "sh", _programs, Folder, _certificate is null ? "" : "127.0.0.1", $"{_certificate?.Port ?? 5432}", _certificate is null ? "off" : "on",
            _certificate is null ? "" : $"{Folder}/root.pem"))!;
        var said = new ConcurrentQueue<string>();
        using var ready = new ManualResetEventSlim();
        _keeper.ErrorDataReceived += (_, line) =>
        {
            said.Enqueue(line.Data ?? "");
            if (line.Data is { } text && (text.Contains("ready to accept connections", StringComparison.Ordinal) || text.Contains("FATAL", StringComparison.Ordinal)))
                ready.Set();
        };
        _keeper.OutputDataReceived += (_, _) => { };
        _keeper.BeginErrorReadLine();
        _keeper.BeginOutputReadLine();
        if (!ready.Wait(Patience) || said.Any(line => line.Contains("FATAL", StringComparison.Ordinal)))
            throw new InvalidOperationException($"PostgreSQL does not start: {string.Join('\n', said)}");
    }

    /// <summary>Stops it; its folder stays.</summary>
    public void Stop() => End("keep");

    public void Dispose()
    {
        if (_keeper is null)
            Run("rm", "-rf", Folder);
        else
            End("");
    }

    private void End(string word)
    {
        if (_keeper is null)
            throw new InvalidOperationException("PostgreSQL is stopped already.");
        _keeper.StandardInput.WriteLine(word);
        _keeper.StandardInput.Close();
        if (!_keeper.WaitForExit(Patience))
            throw new TimeoutException("PostgreSQL does not end.");
        _keeper.Dispose();
        _keeper = null;
    }

    private static string FindPrograms()
    {
        // Debian keeps them off the PATH, one folder for each version.
        var debian = Directory.Exists("/usr/lib/postgresql")
            ? Directory.GetDirectories("/usr/lib/postgresql").OrderByDescending(folder => int.TryParse(Path.GetFileName(folder), out var version) ? version : 0)
            : Enumerable.Empty<string>();
        var folders = debian.Select(folder => Path.Combine(folder, "bin")).Concat((Environment.GetEnvironmentVariable("PATH") ?? "").Split(':'));
        return folders.FirstOrDefault(folder => File.Exists(Path.Combine(folder, "initdb")) && File.Exists(Path.Combine(folder, "postgres")))
            ?? throw new InvalidOperationException(Missing);
    }
}
