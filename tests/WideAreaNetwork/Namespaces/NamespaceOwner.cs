using System.Globalization;

namespace Formation.Inference.WideAreaNetwork.Namespaces;

/// <summary>The process that namespaces belong to. A process id comes back sooner or later, so the time of its start belongs to its name.</summary>
/// <param name="ProcessId">Its id.</param>
/// <param name="Started">When it was started, in ticks of the kernel since the machine's start.</param>
readonly record struct NamespaceOwner(int ProcessId, ulong Started)
{
    private const string Prefix = "form-wan";

    /// <summary>This process.</summary>
    public static NamespaceOwner Current { get; } =
        Of(Environment.ProcessId) ?? throw new InvalidOperationException("/proc says nothing about this process");

    /// <summary>Whether the process still runs.</summary>
    public bool Lives => Of(ProcessId) == this;

    /// <summary>The process that has an id now; null where none has.</summary>
    public static NamespaceOwner? Of(int processId)
    {
        try
        {
            var line = File.ReadAllText($"/proc/{processId}/stat");
            // The name, in brackets, may have spaces and brackets itself. After it, the start is the 20th field.
            var fields = line[(line.LastIndexOf(')') + 2)..].Split(' ');
            return new NamespaceOwner(processId, ulong.Parse(fields[19], CultureInfo.InvariantCulture));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>A name for a namespace of this owner.</summary>
    /// <param name="network">Which of its networks.</param>
    /// <param name="node">Which node of it.</param>
    public string NameOf(int network, int node) => string.Create(CultureInfo.InvariantCulture, $"{Prefix}-{ProcessId}-{Started}-{network}-{node}");

    /// <summary>The owner that a name tells; null for namespaces that others made.</summary>
    public static NamespaceOwner? OfName(string name)
    {
        var digits = name.StartsWith(Prefix + "-", StringComparison.Ordinal) ? name[(Prefix.Length + 1)..].Split('-') : [];
        return digits.Length == 4
            && int.TryParse(digits[0], NumberStyles.None, CultureInfo.InvariantCulture, out var processId)
            && ulong.TryParse(digits[1], NumberStyles.None, CultureInfo.InvariantCulture, out var started)
            ? new NamespaceOwner(processId, started)
            : null;
    }
}
