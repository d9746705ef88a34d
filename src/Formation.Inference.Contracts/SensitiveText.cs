namespace Formation.Inference;

/// <summary>
/// Text that a user wrote or a model said. Its <see cref="ToString"/> tells only the length, so that no log, exception message or
/// debugger view of a record shows it by accident; who needs the text asks for <see cref="Value"/>.
/// </summary>
public readonly record struct SensitiveText(string Value)
{
    /// <summary>Length in UTF-16 code units.</summary>
    public int Length => Value?.Length ?? 0;

    public override string ToString() => $"[redacted {Length}]";

    public static implicit operator SensitiveText(string value) => new(value);
}
