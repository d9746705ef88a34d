namespace Formation.Inference.Cluster.Nodes.Control;

/// <summary>Text from outside that goes into logs and terminals.</summary>
public static class WireText
{
    /// <summary>Whether it is short enough and holds nothing that a terminal would act on.</summary>
    public static bool IsPlain(string text, int maximumLength) => text.Length <= maximumLength && !text.Any(char.IsControl);

    /// <summary>The text, shortened and without such characters.</summary>
    public static string Plain(string text) => string.Concat(text.Where(c => !char.IsControl(c)).Take(ControlLimits.Text));
}
