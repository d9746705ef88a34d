namespace Formation.Inference.Kernels.Machine;

/// <summary>Whether x86's matrix tiles (AMX with int8 and bfloat16) are there.</summary>
public enum AmxSupport
{
    /// <summary>The processor does not have them.</summary>
    None,

    /// <summary>The processor has them, but the operating system or the virtual machine does not offer them to programs.</summary>
    NotEnabled,

    /// <summary>Programs can ask for them.</summary>
    Usable,
}
